import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { type Child, startScript } from "../../tools/testkit/child.ts";
import type { Environment, OrderIds, Service } from "../environment.ts";
import { type LoadJob, runLoad } from "../load/index.ts";
import type { Sample, Scenario } from "../scenario.ts";
import { medianOf, ordersFor, percentile, requireAllSucceeded, withService } from "./support/measure.ts";
import type { WatchersReady, WatchJob, WatchReport } from "./support/watch-job.ts";

const WATCHERS = 10_000;
const PER_SECOND = 500;

/** Watchers of each order, on the average: a customer, a shop's page, a warehouse's board, … */
const WATCHERS_PER_ORDER = 10;

/** Changes of the order that all watch. */
const COMMON_SECONDS = 5;

/** How long the last watcher may take after the load; who has not been told by then is missing. */
const LATE_MS = 3_000;

const P99 = "change to last watcher, p99 ms";
const READS = "database reads for each watcher told";
const MISSED = "missed";

/** Many who look on. */
export const watchers: Scenario = {
  name: "watchers",
  title: "10,000 watchers, 500 changes a second",
  description:
    `WatchOrderStatus, ${WATCHERS.toLocaleString("en")} streams over 8 connections from a process of their own, each order watched by ${WATCHERS_PER_ORDER}: from the time` +
    " that is written with a change, just before its commit, until the last of its watchers has it. All reads of the database are counted, in" +
    " the same load without and with watchers: a query for each watcher and change would be 1 or more. At the end one order that all of them watch changes each second.",
  subjects: ["service"],
  long: false,
  rounds: "all",
  async measure(_side, environment) {
    return withService(environment, async (service) => {
      const { seconds, warmup } = environment;
      const count = ordersFor(seconds + warmup, PER_SECOND, 64);
      const unwatched = await environment.seedOrders(service, count);
      const watched = await environment.seedOrders(service, count);
      const common = await environment.seedOrders(service, 1);
      const alone = await changeSteadily(service, environment, unwatched);
      const memoryAlone = service.memory();
      const child = startScript("bench/scenarios/support/watchers.ts", {
        args: [JSON.stringify(watchJob(service.port, watched, common))],
      });
      const { seconds: begun } = await nextLine<WatchersReady>(child);
      const since = Date.now() + warmup * 1_000;
      const beside = await changeSteadily(service, environment, watched);
      const cpu = child.cpu();
      requireAllSucceeded(
        await runLoad(jobFor(service, common, { perSecond: 1, callers: 1, seconds: COMMON_SECONDS, warmup: 1 })),
      );
      await sleep(LATE_MS);
      const memory = service.memory();
      await child.stop();
      const told = figuresOf(await nextLine<WatchReport>(child), common, since);
      return {
        ...told,
        [READS]: beside.reads / beside.changes / WATCHERS_PER_ORDER,
        "reads for a change, without watchers": alone.reads / alone.changes,
        "reads for a change, with watchers": beside.reads / beside.changes,
        "all begun after s": begun,
        "watchers' processor time, s": cpu,
        "service MB without": memoryAlone,
        "service MB": memory,
      };
    });
  },
  goals: [
    {
      text: "99 of 100 changes are with their last watcher within",
      bound: "at most",
      target: 1_000,
      unit: "ms",
      actual: (results) => medianOf(results, "service", P99),
    },
    {
      text: "all of the service's reads at the database, for each watcher told of a change",
      bound: "at most",
      target: 0.5,
      unit: "reads",
      actual: (results) => medianOf(results, "service", READS),
    },
    {
      text: "changes that a watcher missed, or was told out of turn",
      bound: "at most",
      target: 0,
      unit: "changes",
      actual: (results) => medianOf(results, "service", MISSED),
    },
  ],
};

function watchJob(port: number, orders: OrderIds, common: OrderIds): WatchJob {
  const ordersPerWatcher = Math.ceil((orders.count * WATCHERS_PER_ORDER) / WATCHERS);
  return { port, watchers: WATCHERS, orders, ordersPerWatcher, common: common.first };
}

function jobFor(
  service: Service,
  orders: OrderIds,
  load: Pick<LoadJob, "perSecond" | "callers" | "seconds" | "warmup">,
): LoadJob {
  return { protocol: "grpc", ports: [service.port], call: "update-status", orders, ...load };
}

/** Changes orders at the wanted rate; how many, and how many reads that was at the database. */
async function changeSteadily(
  service: Service,
  environment: Environment,
  orders: OrderIds,
): Promise<{ readonly changes: number; readonly reads: number }> {
  const { seconds, warmup, endpoints } = environment;
  const before = await readsSoFar(endpoints.mysqlUrl);
  const load = { perSecond: PER_SECOND, callers: 64, seconds, warmup };
  const { changes } = requireAllSucceeded(await runLoad(jobFor(service, orders, load)));
  return { changes, reads: (await readsSoFar(endpoints.mysqlUrl)) - before };
}

async function readsSoFar(mysqlUrl: string): Promise<number> {
  const connection = await createConnection(mysqlUrl);
  const [[row]] = await connection.query<RowDataPacket[]>("show global status like 'Com_select'");
  await connection.end();
  return Number(row?.Value);
}

async function nextLine<T>(child: Child): Promise<T> {
  const line = await child.line();
  if (line === undefined) {
    throw new Error("the watchers ended without a word");
  }
  return JSON.parse(line) as T;
}

function figuresOf({ changes, lost, outOfOrder }: WatchReport, common: OrderIds, since: number): Sample {
  const delays = (some: WatchReport["changes"]) =>
    some.map(({ lastReceivedTime, recordTime }) => lastReceivedTime - recordTime);
  const ofAll = delays(changes.filter(({ orderId }) => orderId === common.first));
  const spread = changes.filter(({ orderId, recordTime }) => orderId !== common.first && recordTime >= since);
  const missing = changes.reduce((sum, { received, watching }) => sum + watching - received, 0);
  const times = delays(spread);
  return {
    "changes told": spread.length,
    "change to last watcher, p50 ms": percentile(times, 0.5),
    [P99]: percentile(times, 0.99),
    "change to last watcher, max ms": percentile(times, 1),
    [MISSED]: missing + outOfOrder + lost,
    "order that all watch, p50 ms": percentile(ofAll, 0.5),
    "order that all watch, max ms": percentile(ofAll, 1),
  };
}
