import { setTimeout as sleep } from "node:timers/promises";
import type { Environment, RunningSubject, Service, ServiceOptions } from "../../environment.ts";
import type { LoadResult } from "../../load/index.ts";
import type { Results, Sample } from "../../scenario.ts";

/** Concurrent calls of what scenarios call full load. */
export const FULL_LOAD_CALLERS = 256;

/**
 * Orders are seeded for this rate, in changes per second, which no machine is expected to exceed.
 */
const MAX_PER_SECOND = 30_000;

/** Changes of the usual lifecycle. */
const CHANGES_PER_ORDER = 11;

/** Interval at which the drain is checked, in milliseconds. */
const POLL_MS = 50;

/** Number of orders that last for a load of this duration, warm-up included. */
export function ordersFor(
  seconds: number,
  perSecond = MAX_PER_SECOND,
  callers = FULL_LOAD_CALLERS,
  changesPerOrder = CHANGES_PER_ORDER,
): number {
  return Math.ceil((seconds * perSecond) / changesPerOrder) + callers;
}

/**
 * The result itself, when every call succeeded: measurements of failing calls have no meaning.
 *
 * @throws Error with the number of failed and rejected calls
 */
export function requireAllSucceeded(result: LoadResult): LoadResult {
  if (result.failed > 0 || result.rejected > 0) {
    throw new Error(`${result.failed} calls failed and ${result.rejected} were rejected`);
  }
  return result;
}

/**
 * Seconds until no open work is left.
 *
 * @throws Error when that takes longer than `timeoutSeconds`
 */
export async function secondsUntilDrained(running: RunningSubject, timeoutSeconds = 120): Promise<number> {
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1_000;
  for (let open = await running.openWork(); open > 0; open = await running.openWork()) {
    if (seconds() > timeoutSeconds) {
      throw new Error(`${open} runs of Actions are still open after ${timeoutSeconds} s`);
    }
    await sleep(POLL_MS);
  }
  return seconds();
}

/** Median of a measurement; undefined when it was not measured. */
export function medianOf(results: Results, subject: string, name: string): number | undefined {
  return results[subject]?.[name]?.median;
}

/** Ratio of the medians of two subjects; undefined when one was not measured. */
export function ratioOf(results: Results, name: string, subject: string, other: string): number | undefined {
  const [value, base] = [medianOf(results, subject, name), medianOf(results, other, name)];
  return value === undefined || base === undefined || base === 0 ? undefined : value / base;
}

/** Ratio to the fastest of several subjects; undefined when one was not measured. */
export function ratioToFastest(
  results: Results,
  name: string,
  subject: string,
  others: readonly string[],
): number | undefined {
  const ratios = others.map((other) => ratioOf(results, name, subject, other));
  return ratios.includes(undefined) ? undefined : Math.min(...(ratios as number[]));
}

/** Percentile of these values, which are sorted in place; 0 without any. */
export function percentile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0;
}

/** Runs `work` with the service, which is stopped afterwards. */
export async function withService<T>(
  environment: Environment,
  work: (service: Service) => Promise<T>,
  options?: ServiceOptions,
): Promise<T> {
  return stopAfter(await environment.startService(options), work);
}

/** Runs `work` with the service or a baseline, given by its file name. */
export async function withSubject<T>(
  environment: Environment,
  subject: "service" | `${string}.ts`,
  work: (running: RunningSubject) => Promise<T>,
): Promise<T> {
  return subject === "service"
    ? withService(environment, work)
    : stopAfter(await environment.startBaseline(subject), work);
}

/** Runs `work` and stops the subject afterwards. */
export async function stopAfter<R extends RunningSubject, T>(running: R, work: (running: R) => Promise<T>): Promise<T> {
  try {
    return await work(running);
  } finally {
    await running.stop();
  }
}

/**
 * Rate and latency of the group committer alone, with this number of callers and of concurrent
 * reports per caller.
 */
export async function measureGroupCommit(
  { seconds, warmup, runProgram }: Environment,
  name: string,
  callers: number,
  reportsPerCaller: number,
): Promise<Sample> {
  const options = Object.entries({ callers, "reports-per-caller": reportsPerCaller, seconds, warmup });
  const measured = await runProgram(
    "group-commit.ts",
    options.flatMap(([option, value]) => [`--${option}`, String(value)]),
  );
  return {
    [name]: measured.perSecond ?? Number.NaN,
    [`${name}, p50 ms`]: measured["p50 ms"] ?? Number.NaN,
    [`${name}, p99 ms`]: measured["p99 ms"] ?? Number.NaN,
  };
}
