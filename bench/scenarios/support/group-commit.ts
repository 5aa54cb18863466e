import type { Environment } from "../../environment.ts";
import type { Sample } from "../../scenario.ts";

/** Status reports a second through the committer alone, as figures of this name: so many callers, each with so many reports at a time. */
export async function measureGroupCommit(
  { seconds, warmup, runProgram }: Environment,
  name: string,
  callers: number,
  together: number,
): Promise<Sample> {
  const options = Object.entries({ callers, together, seconds, warmup });
  const figures = await runProgram(
    "group-commit.ts",
    options.flatMap(([option, value]) => [`--${option}`, String(value)]),
  );
  const figure = (key: string) => figures[key] ?? Number.NaN;
  return {
    [name]: figure("perSecond"),
    [`${name}, p50 ms`]: figure("p50 ms"),
    [`${name}, p99 ms`]: figure("p99 ms"),
  };
}
