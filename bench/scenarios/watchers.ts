import { setTimeout as sleep } from "node:timers/promises";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { type Child, startScript } from "../../tools/testkit/child.ts";
import type { Environment, OrderIds, Service } from "../environment.ts";
import { type LoadJob, runLoad } from "../load/index.ts";
import type { Sample, Scenario } from "../scenario.ts";
import { medianOf, ordersFor, percentile, requireAllSucceeded, withService } from "./support/measure.ts";

/** Job of the process with the watchers; each watcher has a stream of its own. */
export interface WatchJob {
  readonly port: number;
  readonly watchers: number;
  /** Orders are assigned to the watchers one after the other, starting over at the end. */
  readonly orders: { readonly first: string; readonly count: number };
  readonly ordersPerWatcher: number;
  /** An order that all watchers watch too. */
  readonly common: string;
}

/** Printed when every watcher has received the snapshots of its orders. */
export interface WatchersReady {
  readonly seconds: number;
}

/** Printed at the end. */
export interface WatchReport {
  readonly changes: readonly WatchedChange[];
  /** Streams that ended early. */
  readonly lost: number;
  /** Changes that a watcher received out of order or twice. */
  readonly outOfOrder: number;
}

/** The deliveries of one change. */
export interface WatchedChange {
  readonly orderId: string;
  /** Number of watchers that received it, and that should have. */
  readonly received: number;
  readonly watching: number;
  /** Time of the change, in milliseconds since the epoch. */
  readonly recordTime: number;
  /** Time of the last delivery. */
  readonly lastReceivedTime: number;
}

const WATCHERS = 10_000;
const PER_SECOND = 500;

/** Average number of watchers per order. */
const WATCHERS_PER_ORDER = 10;

/** Duration of the changes of the order watched by all, at one per second. */
const COMMON_SECONDS = 5;

/** Time for deliveries after the load, in milliseconds; later ones count as missed. */
const DELIVERY_MS = 3_000;

const P99 = "change to last watcher, p99 ms";
const READS = "database reads per delivery";
const MISSED = "missed";

/** Many watchers. */
export const watchers: Scenario = {
  name: "watchers",
  title: "10,000 watchers, 500 changes per second",
  description:
    `WatchOrderStatus, ${WATCHERS.toLocaleString("en")} streams over 8 connections from a separate process, each order watched by ${WATCHERS_PER_ORDER}. Latency is measured` +
    " from the time recorded with a change, just before its commit, until its last watcher has received it. All database reads are counted, in the same" +
    " load without and with watchers: a query per watcher and change would be 1 or more. At the end one order that all watch changes once per second.",
  subjects: ["service"],
  long: false,
  rounds: "all",
  async measure(_subject, environment) {
    return withService(environment, async (service) => {
      const { seconds, warmup } = environment;
      const count = ordersFor(seconds + warmup, PER_SECOND, 64);
      const unwatched = await environment.seedOrders(service, count);
      const watched = await environment.seedOrders(service, count);
      const common = await environment.seedOrders(service, 1);
      const withoutWatchers = await changeSteadily(service, environment, unwatched);
      const memoryBefore = service.memory();
      const child = startScript("bench/scenarios/support/watchers.ts", {
        args: [JSON.stringify(watchJob(service.port, watched, common))],
      });
      const { seconds: openSeconds } = await nextLine<WatchersReady>(child);
      const since = Date.now() + warmup * 1_000;
      const withWatchers = await changeSteadily(service, environment, watched);
      const cpu = child.cpu();
      requireAllSucceeded(
        await runLoad(jobFor(service, common, { perSecond: 1, callers: 1, seconds: COMMON_SECONDS, warmup: 1 })),
      );
      await sleep(DELIVERY_MS);
      const memory = service.memory();
      await child.stop();
      const delivered = measurementsOf(await nextLine<WatchReport>(child), common, since);
      return {
        ...delivered,
        [READS]: withWatchers.reads / withWatchers.changes / WATCHERS_PER_ORDER,
        "reads per change, without watchers": withoutWatchers.reads / withoutWatchers.changes,
        "reads per change, with watchers": withWatchers.reads / withWatchers.changes,
        "all streams open after, s": openSeconds,
        "watchers' processor time, s": cpu,
        "service MB without": memoryBefore,
        "service MB": memory,
      };
    });
  },
  goals: [
    {
      text: "p99 from change to last watcher",
      bound: "at most",
      target: 1_000,
      unit: "ms",
      actual: (results) => medianOf(results, "service", P99),
    },
    {
      text: "the service's database reads per delivery",
      bound: "at most",
      target: 0.5,
      unit: "reads",
      actual: (results) => medianOf(results, "service", READS),
    },
    {
      text: "changes missed or received out of order",
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

/** Changes orders at the given rate, and counts changes and database reads. */
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
    throw new Error("the watchers exited without a result");
  }
  return JSON.parse(line) as T;
}

function measurementsOf({ changes, lost, outOfOrder }: WatchReport, common: OrderIds, since: number): Sample {
  const delays = (some: WatchReport["changes"]) =>
    some.map(({ lastReceivedTime, recordTime }) => lastReceivedTime - recordTime);
  const ofAll = delays(changes.filter(({ orderId }) => orderId === common.first));
  const spread = changes.filter(({ orderId, recordTime }) => orderId !== common.first && recordTime >= since);
  const missing = changes.reduce((sum, { received, watching }) => sum + watching - received, 0);
  const times = delays(spread);
  return {
    "changes delivered": spread.length,
    "change to last watcher, p50 ms": percentile(times, 0.5),
    [P99]: percentile(times, 0.99),
    "change to last watcher, max ms": percentile(times, 1),
    [MISSED]: missing + outOfOrder + lost,
    "order watched by all, p50 ms": percentile(ofAll, 0.5),
    "order watched by all, max ms": percentile(ofAll, 1),
  };
}
