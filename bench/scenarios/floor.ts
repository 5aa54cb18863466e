import type { Environment } from "../environment.ts";
import { runLoad } from "../load/index.ts";
import type { Results, Sample, Scenario } from "../scenario.ts";
import { cpuPerChange } from "../statistics.ts";
import {
  FULL_LOAD_CALLERS,
  medianOf,
  ordersFor,
  requireAllSucceeded,
  secondsUntilDrained,
  withSubject,
} from "./support/measure.ts";

const SERVICE = "service";
const NO_OP = "no-op call";
const ROWS = "rows in groups";
const BROKER = "publish and deliver";
const EFFECTS = "effects";

/** The parts of the floor. */
const PARTS = [NO_OP, ROWS, BROKER, EFFECTS] as const;

const ALL = "all µs/change";

/** Changes under load, and the processor time until their Actions have completed. */
async function measureCalls(environment: Environment, subject: "service" | "no-op.ts"): Promise<Sample> {
  const { seconds, warmup } = environment;
  return withSubject(environment, subject, async (running) => {
    const orders =
      subject === "service"
        ? await environment.seedOrders(running, ordersFor(seconds + warmup))
        : { first: "8000000000", count: Number.MAX_SAFE_INTEGER };
    const cpu = () => ({ server: running.cpu(), ...environment.backendsCpu() });
    const before = cpu();
    const job = { protocol: "grpc", ports: [running.port], call: "update-status", callers: FULL_LOAD_CALLERS } as const;
    const result = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
    await secondsUntilDrained(running);
    return { "changes/s": result.perSecond, ...cpuPerChange(before, cpu(), result.changes) };
  });
}

const MEASURE: Readonly<Record<string, (environment: Environment) => Promise<Sample>>> = {
  [SERVICE]: (environment) => measureCalls(environment, "service"),
  [NO_OP]: (environment) => measureCalls(environment, "no-op.ts"),
  [ROWS]: ({ seconds, runProgram }) =>
    runProgram("group-commit.ts", ["--callers", String(FULL_LOAD_CALLERS), "--seconds", String(seconds)]),
  [BROKER]: ({ seconds, runProgram }) => runProgram("jetstream.ts", ["--seconds", String(seconds)]),
  [EFFECTS]: ({ seconds, runProgram }) => runProgram("effects.ts", ["--seconds", String(seconds)]),
};

function againstFloor(results: Results): number | undefined {
  const service = medianOf(results, SERVICE, ALL);
  const parts = PARTS.map((part) => medianOf(results, part, ALL));
  const floor = parts.reduce<number>((sum, part) => sum + (part ?? Number.NaN), 0);
  return service === undefined || Number.isNaN(floor) ? undefined : service / floor;
}

/** What a change costs, against the sum of its parts. */
export const floor: Scenario = {
  name: "floor",
  title: "Processor time per change, against the floor",
  description:
    `Processor time of all processes but the load generator, per change, at ${FULL_LOAD_CALLERS} callers, until all Actions have completed.` +
    " The floor is the sum of the parts, each measured alone: the no-op call; the same rows written in groups, without RPC; each event published, stored and delivered" +
    " once; and the effects' own requests and rows.",
  subjects: [SERVICE, ...PARTS],
  long: false,
  rounds: "all",
  measure: (subject, environment) => (MEASURE[subject] as (environment: Environment) => Promise<Sample>)(environment),
  goals: [
    {
      text: "all processes against the floor",
      bound: "at most",
      target: 1.5,
      unit: "×",
      actual: againstFloor,
    },
  ],
};
