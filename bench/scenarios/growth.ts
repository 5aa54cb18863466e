import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { runLoad } from "../load/index.ts";
import type { Scenario } from "../scenario.ts";
import { bulkInsertOrders } from "./support/fill-orders.ts";
import { FULL_LOAD_CALLERS, ordersFor, ratioOf, requireAllSucceeded, withService } from "./support/measure.ts";

const FEW = "few orders";
const MANY = "many orders";

const FEW_COUNT = 100_000;

const FIRST_ID = 20_000_000_000n;

const CHANGES = "changes/s";
const MEMORY = "service MB";

/** Throughput with few and with many orders in the database. */
export const growth: Scenario = {
  name: "growth",
  title: "Growth, from 100 thousand to 5 million orders",
  description:
    "UpdateOrderStatus over gRPC, 256 callers, with this number of orders in the tables (option --orders), most of them delivered, with history, request ids, ledger" +
    " and settlement. The orders that change are spread evenly, so each is read from a page that was not used recently: harder than in practice," +
    " where recent orders change. Needs 5 GB of disk temporarily.",
  subjects: [FEW, MANY],
  long: true,
  rounds: "once",
  async measure(subject, environment) {
    return withService(environment, async (service) => {
      const { seconds, warmup, endpoints } = environment;
      const size = subject === FEW ? FEW_COUNT : environment.orders;
      const needed = Math.min(ordersFor(seconds + warmup), FEW_COUNT);
      const openEvery = Math.floor(size / needed);
      const database = await createConnection(endpoints.mysqlUrl);
      const begin = performance.now();
      await bulkInsertOrders(database, service.prefix, { first: FIRST_ID, count: size, openEvery });
      const insertSeconds = (performance.now() - begin) / 1_000;
      await waitForPageWrites(database);
      await database.end();
      const orders = { first: String(FIRST_ID), count: needed, step: openEvery };
      const job = {
        protocol: "grpc",
        ports: [service.port],
        call: "update-status",
        callers: FULL_LOAD_CALLERS,
      } as const;
      const result = requireAllSucceeded(await runLoad({ ...job, seconds, warmup, orders }));
      return {
        orders: size,
        [CHANGES]: result.perSecond,
        "p50 ms": result.p50,
        "p99 ms": result.p99,
        [MEMORY]: service.memory(),
        "insert time, s": insertSeconds,
      };
    });
  },
  goals: [
    {
      text: "changes per second with many orders against few",
      bound: "at least",
      target: 0.9,
      unit: "×",
      actual: (results) => ratioOf(results, CHANGES, MANY, FEW),
    },
    {
      text: "the service's memory with many orders against few",
      bound: "at most",
      target: 1.1,
      unit: "×",
      actual: (results) => ratioOf(results, MEMORY, MANY, FEW),
    },
  ],
  chart: { title: "Growth", unit: "changes/s", measurements: [CHANGES] },
};

/** Number of dirty pages below which the database counts as idle. */
const IDLE_PAGES = 500;
const POLL_MS = 200;
const TIMEOUT_MS = 60_000;

/**
 * InnoDB I/O capacity in pages per second during the flush; by default it writes slowly in the
 * background.
 */
const MAX_IO_CAPACITY = 20_000;

/**
 * Waits until the database has flushed dirty pages, so that the measurement does not compete with
 * the flush.
 */
async function waitForPageWrites(database: Connection): Promise<void> {
  const [[usual]] = await database.query<RowDataPacket[]>(
    "select @@innodb_max_dirty_pages_pct as percent, @@innodb_io_capacity as capacity, @@innodb_io_capacity_max as most",
  );
  await setFlushing(database, 0, MAX_IO_CAPACITY, MAX_IO_CAPACITY);
  const until = performance.now() + TIMEOUT_MS;
  while ((await countDirtyPages(database)) > IDLE_PAGES && performance.now() < until) {
    await sleep(POLL_MS);
  }
  await setFlushing(database, Number(usual?.percent), Number(usual?.most), Number(usual?.capacity));
}

async function setFlushing(database: Connection, dirtyPercent: number, most: number, capacity: number): Promise<void> {
  await database.query("set global innodb_max_dirty_pages_pct = ?", [dirtyPercent]);
  await database.query("set global innodb_io_capacity_max = ?", [most]);
  await database.query("set global innodb_io_capacity = ?", [capacity]);
}

async function countDirtyPages(database: Connection): Promise<number> {
  const [[row]] = await database.query<RowDataPacket[]>("show global status like 'Innodb_buffer_pool_pages_dirty'");
  return Number(row?.Value);
}
