import type { Environment, OrderIds, RunningSubject } from "../environment.ts";
import { type LoadResult, runLoad } from "../load/index.ts";
import type { Results, Sample, Scenario } from "../scenario.ts";
import { cpuPerChange } from "../statistics.ts";
import {
  FULL_LOAD_CALLERS,
  medianOf,
  ordersFor,
  ratioToFastest,
  requireAllSucceeded,
  secondsUntilDrained,
  stopAfter,
} from "./support/measure.ts";

const SERVICE = "service";
const LEGACY = "legacy design";
const LEGACY_SLOW_MAIL = "legacy design, mail 50 ms";
const TEXTBOOK = "textbook";
const NO_OP = "no-op";
const GROUP_COMMIT = "group commit, no RPC";

/** Starts each subject that serves calls. */
const STARTS: Readonly<Record<string, (environment: Environment) => Promise<RunningSubject>>> = {
  [SERVICE]: (environment) => environment.startService(),
  [LEGACY]: (environment) => environment.startBaseline("legacy-design.ts"),
  [LEGACY_SLOW_MAIL]: (environment) => environment.startBaseline("legacy-design.ts", { MAIL_MS: "50" }),
  [TEXTBOOK]: (environment) => environment.startBaseline("textbook.ts"),
  [NO_OP]: (environment) => environment.startBaseline("no-op.ts"),
};

/** Orders for one caller are seeded for this rate, in changes per second. */
const MAX_RATE_OF_ONE = 10_000;

const levelsOf = (quick: boolean) => (quick ? [1, 64, FULL_LOAD_CALLERS] : [1, 16, 64, FULL_LOAD_CALLERS, 1_024]);
const nameOf = (callers: number) => (callers === 1 ? "1 caller" : `${callers.toLocaleString("en")} callers`);

/** Required ratios, by callers. */
const AGAINST_PEERS = [
  [1, 1.3],
  [16, 1.3],
  [64, 2],
  [FULL_LOAD_CALLERS, 3.5],
] as const;

/** The no-op call needs no orders. */
function ordersOf(
  subject: string,
  running: RunningSubject,
  callers: number,
  environment: Environment,
): Promise<OrderIds> {
  const seconds = environment.seconds + environment.warmup;
  const count = callers === 1 ? ordersFor(seconds, MAX_RATE_OF_ONE, 1) : ordersFor(seconds, undefined, callers);
  return subject === NO_OP
    ? Promise.resolve({ first: "8000000000", count: Number.MAX_SAFE_INTEGER })
    : environment.seedOrders(running, count);
}

/** Runs a load and measures the processor time per change of each process. */
async function withCpu(
  running: RunningSubject,
  environment: Environment,
  load: () => Promise<LoadResult>,
): Promise<{ readonly result: LoadResult; readonly cpu: Sample }> {
  const now = () => ({ server: running.cpu(), ...environment.backendsCpu() });
  const before = now();
  const result = await load();
  const generator = (result.cpu * 1e6) / result.perSecond;
  return { result, cpu: { ...cpuPerChange(before, now(), result.changes), "generator µs/change": generator } };
}

async function measureLevel(
  subject: string,
  running: RunningSubject,
  callers: number,
  environment: Environment,
): Promise<Sample> {
  const { seconds, warmup } = environment;
  const orders = await ordersOf(subject, running, callers, environment);
  const job = { protocol: "grpc", ports: [running.port], call: "update-status", callers } as const;
  const { result, cpu } = await withCpu(running, environment, () => runLoad({ ...job, seconds, warmup, orders }));
  const open = await running.openWork();
  const memory = running.memory();
  const drained = open === 0 ? 0 : await secondsUntilDrained(running);
  const { perSecond, p50, p99 } = requireAllSucceeded(result);
  const name = nameOf(callers);
  const measured = { [name]: perSecond, [`${name}, p50 ms`]: p50, [`${name}, p99 ms`]: p99 };
  const more = { "open at the end": open, "drained s": drained, "server MB": memory, ...cpu };
  return callers === FULL_LOAD_CALLERS
    ? { ...measured, ...Object.fromEntries(Object.entries(more).map(([key, value]) => [`${name}, ${key}`, value])) }
    : measured;
}

/** The committer alone, called in its own process by one caller. */
async function measureOneCaller({ seconds, runProgram }: Environment): Promise<Sample> {
  const measured = await runProgram("group-commit.ts", ["--callers", "1", "--seconds", String(seconds)]);
  return { [nameOf(1)]: measured.perSecond ?? 0, [`${nameOf(1)}, p50 ms`]: measured["p50 ms"] ?? 0 };
}

/** The main scenario: status changes with their events and Actions. */
export const updateStatus: Scenario = {
  name: "update-status",
  title: "UpdateOrderStatus over gRPC",
  description:
    "Changes per second, durable, events published and Actions completed in the same run. Each caller moves orders through their lifecycle, one call at a time." +
    " The no-op call uses the same messages and does nothing. Group commit is the service's committer alone.",
  subjects: [SERVICE, LEGACY, LEGACY_SLOW_MAIL, TEXTBOOK, NO_OP, GROUP_COMMIT],
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const start = STARTS[subject];
    if (start === undefined) {
      return measureOneCaller(environment);
    }
    return stopAfter(await start(environment), async (running) => {
      const samples: Sample[] = [];
      for (const callers of levelsOf(environment.quick)) {
        samples.push(await measureLevel(subject, running, callers, environment));
      }
      return Object.assign({}, ...samples);
    });
  },
  goals: [
    ...AGAINST_PEERS.map(([callers, target]) => ({
      text: `${nameOf(callers)} against the faster of legacy design and textbook`,
      bound: "at least" as const,
      target,
      unit: "×",
      actual: (results: Results) => ratioToFastest(results, nameOf(callers), SERVICE, [LEGACY, TEXTBOOK]),
    })),
    {
      text: "all Actions completed after a load of 256 callers",
      bound: "at most",
      target: 2,
      unit: "s",
      actual: (results) => medianOf(results, SERVICE, `${nameOf(FULL_LOAD_CALLERS)}, drained s`),
    },
  ],
  chart: {
    title: "UpdateOrderStatus over gRPC: changes per second",
    unit: "changes/s",
    measurements: levelsOf(false).map(nameOf),
  },
};
