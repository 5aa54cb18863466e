/**
 * How many status changes a second the service takes over gRPC, committed durably, with events published and Actions running, beside a
 * call that does nothing; everything on this machine, this load generator included.
 *
 *     npm run bench -- --callers 1,64,256 --seconds 10
 */
import { parseArgs } from "node:util";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { insertOrders, isVirtual, makeOrder, type Order } from "../src/demo/orders.ts";
import { formatTable } from "../src/demo/table.ts";
import { runLoad, WALK } from "./load.ts";
import { watchMachine } from "./machine.ts";
import { startNoop, startService } from "./service.ts";

const { values } = parseArgs({
  options: {
    callers: { type: "string", default: "1,64,256" },
    seconds: { type: "string", default: "10" },
    warmup: { type: "string", default: "2" },
    "request-ids": { type: "boolean", default: true },
  },
  allowNegative: true,
});
const levels = values.callers.split(",").map(Number);
const [seconds, warmup] = [Number(values.seconds), Number(values.warmup)];

/** More changes a second than are to be expected of one machine: so many orders are put there beforehand. */
const MOST_PER_SECOND = 30_000;
const INSERT = 5_000;
/** Longest wait for the Actions after the load. */
const DRAIN_MS = 120_000;

const service = await startService();
const noop = await startNoop();
const database = await createConnection({ uri: service.mysqlUrl, timezone: "Z" });
const firstId = BigInt(Date.now()) * 1_000n;
let inserted = 0;

/** Puts packable orders of all kinds there, at CREATED. */
async function seed(count: number): Promise<bigint[]> {
  const orders: Order[] = [];
  while (orders.length < count) {
    const order = makeOrder(firstId, inserted);
    inserted += 1;
    if (!isVirtual(order)) {
      orders.push(order);
    }
  }
  for (let at = 0; at < orders.length; at += INSERT) {
    await insertOrders(database, "", orders.slice(at, at + INSERT));
  }
  return orders.map(({ id }) => id);
}

async function openRuns(): Promise<number> {
  const [rows] = await database.query<RowDataPacket[]>(
    "select count(*) as open from oms_db.oms_action_ledger where state in ('PENDING', 'RETRYING')",
  );
  return Number(rows[0]?.open);
}

/** Seconds until no Action has anything left to do. */
async function drain(): Promise<number> {
  const start = performance.now();
  while ((await openRuns()) > 0 && performance.now() - start < DRAIN_MS) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return (performance.now() - start) / 1_000;
}

function* endless(): Generator<bigint, never> {
  for (let id = 1n; ; id += 1n) {
    yield id;
  }
}

const rows: (string | number)[][] = [];
let failures = 0;
try {
  for (const callers of levels) {
    const common = { host: "127.0.0.1", callers, seconds, warmup, requestIds: values["request-ids"] };
    const most = callers === 1 ? MOST_PER_SECOND / 10 : MOST_PER_SECOND;
    const orders = await seed(Math.ceil((most * (seconds + warmup)) / WALK.length) + callers);
    const others = watchMachine();
    const nothing = await runLoad({ ...common, port: noop.port, orders: endless() });
    const changes = await runLoad({ ...common, port: service.port, orders: orders.values() });
    const othersTook = others();
    const memory = service.memory();
    const left = await openRuns();
    const drained = await drain();
    failures += changes.failed;
    rows.push([
      String(callers),
      Math.round(changes.perSecond),
      changes.p50.toFixed(1),
      changes.p99.toFixed(1),
      Math.round(nothing.perSecond),
      (changes.perSecond / nothing.perSecond).toFixed(2),
      left,
      drained.toFixed(1),
      memory,
      `${Math.round(othersTook * 100)} %`,
    ]);
    console.log(`${callers} callers: ${changes.changes} changes, ${changes.failed} failed`);
  }
} finally {
  await database.end();
  await Promise.all([service.stop(), noop.stop()]);
}
console.log(
  `\n${formatTable([
    [
      "callers",
      "changes/s",
      "p50 ms",
      "p99 ms",
      "no-op/s",
      "ratio",
      "Actions open at end",
      "drained after s",
      "MB",
      "others took",
    ],
    ...rows,
  ])}`,
);
process.exitCode = failures === 0 ? 0 : 1;
