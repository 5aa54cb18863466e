import type { Environment, OrderIds, RunningSubject } from "../environment.ts";
import { type LoadResult, runLoad } from "../load/index.ts";
import type { Sample, Scenario } from "../scenario.ts";
import { secondsUntilDrained } from "./support/drained.ts";
import { FULL_LOAD_CALLERS, ordersFor, requireAllSucceeded } from "./support/full-load.ts";
import { medianOf, ratioOf } from "./support/results.ts";
import { stopAfter } from "./support/subject.ts";

const SERVICE = "service";
const OLD = "old design";
const OLD_SLOW_MAIL = "old design, mail 50 ms";
const TEXTBOOK = "textbook";
const NO_OP = "no-op";
const SQL = "SQL, no RPC";

/** How each subject that takes calls is started. */
const STARTS: Readonly<Record<string, (environment: Environment) => Promise<RunningSubject>>> = {
  [SERVICE]: (environment) => environment.startService(),
  [OLD]: (environment) => environment.startBaseline("legacy-design.ts"),
  [OLD_SLOW_MAIL]: (environment) => environment.startBaseline("legacy-design.ts", { MAIL_MS: "50" }),
  [TEXTBOOK]: (environment) => environment.startBaseline("textbook.ts"),
  [NO_OP]: (environment) => environment.startBaseline("no-op.ts"),
};

/** One caller makes at most so many changes a second, on any machine to be expected. */
const MOST_OF_ONE = 10_000;

const levelsOf = (quick: boolean) => (quick ? [1, 64, FULL_LOAD_CALLERS] : [1, 16, 64, FULL_LOAD_CALLERS, 1_024]);
const nameOf = (callers: number) => (callers === 1 ? "1 caller" : `${callers.toLocaleString("en")} callers`);

/** A subject without tables answers for any order. */
function ordersOf(
  subject: string,
  running: RunningSubject,
  callers: number,
  environment: Environment,
): Promise<OrderIds> {
  const seconds = environment.seconds + environment.warmup;
  const count = callers === 1 ? ordersFor(seconds, MOST_OF_ONE, 1) : ordersFor(seconds, undefined, callers);
  return subject === NO_OP
    ? Promise.resolve({ first: "8000000000", count: Number.MAX_SAFE_INTEGER })
    : environment.seedOrders(running, count);
}

/** Microseconds of processor time that each process took for a change. */
async function withCpu(
  running: RunningSubject,
  environment: Environment,
  load: () => Promise<LoadResult>,
): Promise<{ readonly result: LoadResult; readonly cpu: Sample }> {
  const [server, before] = [running.cpu(), environment.backendsCpu()];
  const result = await load();
  const used = Object.entries(environment.backendsCpu()).map(
    ([name, now]) => [name, now - (before[name] ?? 0)] as const,
  );
  const perChange = [["server", running.cpu() - server] as const, ...used].map(
    ([name, seconds]) => [`${name} µs/change`, (seconds * 1e6) / Math.max(1, result.changes)] as const,
  );
  return {
    result,
    cpu: { ...Object.fromEntries(perChange), "generator µs/change": (result.cpu * 1e6) / result.perSecond },
  };
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
  const figures = { [name]: perSecond, [`${name}, p50 ms`]: p50, [`${name}, p99 ms`]: p99 };
  const more = { "open at the end": open, "drained s": drained, "server MB": memory, ...cpu };
  return callers === FULL_LOAD_CALLERS
    ? { ...figures, ...Object.fromEntries(Object.entries(more).map(([key, value]) => [`${name}, ${key}`, value])) }
    : figures;
}

/** The same committer with one caller, in one process with it. */
async function measureSql({ seconds, runProgram }: Environment): Promise<Sample> {
  const figures = await runProgram("group-commit.ts", ["--callers", "1", "--seconds", String(seconds)]);
  return { [nameOf(1)]: figures.perSecond ?? 0, [`${nameOf(1)}, p50 ms`]: figures["p50 ms"] ?? 0 };
}

/** The main one: status changes with all that follows from them. */
export const updateStatus: Scenario = {
  name: "update-status",
  title: "UpdateOrderStatus over gRPC",
  description:
    "Changes a second, durable, events published and Actions done in the same run: each caller leads orders through their lives, one call after the other." +
    " The no-op call takes the same messages and does nothing; SQL without RPC is the service's committer alone.",
  subjects: [SERVICE, OLD, OLD_SLOW_MAIL, TEXTBOOK, NO_OP, SQL],
  long: false,
  rounds: "all",
  async measure(subject, environment) {
    const start = STARTS[subject];
    if (start === undefined) {
      return measureSql(environment);
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
    {
      text: "256 callers against the old design",
      bound: "at least",
      figure: 8,
      unit: "×",
      actual: (results) => ratioOf(results, nameOf(FULL_LOAD_CALLERS), SERVICE, OLD),
    },
    {
      text: "256 callers against the no-op call",
      bound: "at least",
      figure: 0.45,
      unit: "×",
      actual: (results) => ratioOf(results, nameOf(FULL_LOAD_CALLERS), SERVICE, NO_OP),
    },
    {
      text: "one caller against the old design",
      bound: "at least",
      figure: 2,
      unit: "×",
      actual: (results) => ratioOf(results, nameOf(1), SERVICE, OLD),
    },
    {
      text: "one caller against the same SQL without RPC",
      bound: "at least",
      figure: 0.6,
      unit: "×",
      actual: (results) => ratioOf(results, nameOf(1), SERVICE, SQL),
    },
    {
      text: "Actions all done after the load of 256 callers has ended",
      bound: "at most",
      figure: 2,
      unit: "s",
      actual: (results) => medianOf(results, SERVICE, `${nameOf(FULL_LOAD_CALLERS)}, drained s`),
    },
  ],
  chart: {
    title: "UpdateOrderStatus over gRPC: changes a second",
    unit: "changes/s",
    figures: levelsOf(false).map(nameOf),
  },
};
