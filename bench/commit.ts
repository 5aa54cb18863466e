/**
 * How many status reports a second the group committer takes, in process, without RPC: durable commits (each flushed to disk) with
 * history, outbox, ledger and request ids. Usage: node bench/commit.ts [--url mysql://…] [--callers 1,64,256] [--seconds 5]
 * [--orders 100000] [--lanes 2]. Without --url it starts a MariaDB of its own in a temporary folder.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sql } from "kysely";
import type { OrderEvent } from "../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../src/domain/order-kinds.ts";
import { Status } from "../src/domain/state-machine.ts";
import { startStack } from "../src/stack/index.ts";
import { type Committer, createCommitter, type StatusReport } from "../src/store/committer/index.ts";
import { type OrderDatabase, openDatabase } from "../src/store/database.ts";
import { migrate } from "../src/store/migrate.ts";
import type { Asked } from "../src/store/outbox.ts";

/** A life of eleven changes, the first CREATED excepted. */
const LIFE: readonly Status[] = [
  Status.PAID,
  Status.APPROVED,
  Status.ERP_ALLOCATED,
  Status.WMS_DISPATCHED,
  Status.WMS_ACCEPTED,
  Status.PICKING,
  Status.PACKED,
  Status.HANDED_OVER,
  Status.IN_TRANSIT,
  Status.OUT_FOR_DELIVERY,
  Status.DELIVERED,
];

const BODY = new Uint8Array(160).fill(7);

/** About as many Actions as an ordinary order has: four in eleven changes. */
function askedBy(event: OrderEvent): readonly Asked[] {
  if (event.type !== "status-changed") {
    return [];
  }
  if (event.toStatus === Status.HANDED_OVER) {
    return [{ action: "customer-message" }];
  }
  const names = event.toStatus === Status.DELIVERED ? ["customer-message", "settlement-push", "gift-record"] : [];
  return names.map((action) => ({ action }));
}

const { values } = parseArgs({
  options: {
    url: { type: "string" },
    callers: { type: "string", default: "1,64,256" },
    seconds: { type: "string", default: "5" },
    orders: { type: "string", default: "100000" },
    lanes: { type: "string", default: "2" },
  },
});

await withServer(values.url, async (url) => {
  const db = openDatabase({ url, prefix: "bench_" });
  await migrate(db);
  const orders = Number(values.orders);
  for (const callers of values.callers.split(",").map(Number)) {
    await fill(db, orders);
    await measure(db, callers, Number(values.seconds), orders);
  }
  await db.destroy();
});

async function withServer(url: string | undefined, work: (url: string) => Promise<void>): Promise<void> {
  if (url !== undefined) {
    await work(url);
    return;
  }
  const dataDir = await mkdtemp(join(tmpdir(), "oms-bench-"));
  const stack = await startStack({ dataDir, need: { mysql: true, redis: false, nats: false }, say: () => {} });
  try {
    await work(stack.mysqlUrl as string);
  } finally {
    await stack.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Fresh orders in CREATED, and empty event tables. */
async function fill(db: OrderDatabase, count: number): Promise<void> {
  const tables = [
    "oms_order_main",
    "oms_order_status",
    "oms_status_history",
    "oms_outbox",
    "oms_action_ledger",
    "oms_request",
  ];
  for (const table of tables) {
    await sql`truncate table ${sql.table(`oms_db.${table}`)}`.execute(db);
  }
  const chunk = 1_000;
  for (let start = 1; start <= count; start += chunk) {
    const ids = Array.from({ length: Math.min(chunk, count - start + 1) }, (_, index) => BigInt(start + index));
    await db
      .insertInto("oms_db.oms_order_status")
      .values(ids.map((order_id) => ({ order_id, order_status: Status.CREATED })))
      .execute();
    await db
      .insertInto("oms_db.oms_order_main")
      .values(ids.map((order_id) => ({ order_id, root_parent_id: order_id, order_source: 1000, order_type: 1 })))
      .execute();
  }
}

/** Each caller leads orders of its own through their lives, one report after the other. */
async function measure(db: OrderDatabase, callers: number, seconds: number, orders: number): Promise<void> {
  const sizes: number[] = [];
  const committer = createCommitter({
    db,
    kinds: DEFAULT_ORDER_KINDS,
    askedBy,
    encode: (event) => ({ subject: "oms.v1.order.status", eventType: event.type, body: BODY }),
    onCommitted: () => {},
    lanes: Number(values.lanes),
    ledgerWatchMs: 30_000,
    observe: { committed: (size) => sizes.push(size) },
  });
  const warmUpMs = 1_000;
  const latencies: number[] = [];
  const begin = performance.now() + warmUpMs;
  const end = begin + seconds * 1_000;
  const cpu = process.cpuUsage();
  await Promise.all(
    Array.from({ length: callers }, (_, caller) =>
      lead(committer, ids(caller, callers, orders), (startedAt, now) => {
        if (startedAt >= begin && now <= end) {
          latencies.push(now - startedAt);
        }
        return now < end;
      }),
    ),
  );
  const used = process.cpuUsage(cpu);
  await committer.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  console.log(
    `${String(callers).padStart(4)} callers: ${Math.round(latencies.length / seconds)} reports/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms,` +
      ` ${mean.toFixed(1)} a batch, ${((used.user + used.system) / 1e4 / (seconds + warmUpMs / 1000)).toFixed(0)} % of a core in this process`,
  );
}

function* ids(caller: number, callers: number, orders: number): Generator<bigint> {
  for (let id = 1 + caller; id <= orders; id += callers) {
    yield BigInt(id);
  }
}

async function lead(
  committer: Committer,
  orderIds: Iterable<bigint>,
  told: (startedAt: number, now: number) => boolean,
): Promise<void> {
  for (const orderId of orderIds) {
    for (const status of LIFE) {
      const startedAt = performance.now();
      const result = await committer.report(reportOf(orderId, status));
      if (result.kind !== "taken" || result.outcome !== "applied") {
        throw new Error(`order ${orderId} to ${status}: ${JSON.stringify(result)}`);
      }
      if (!told(startedAt, performance.now())) {
        return;
      }
    }
  }
}

function reportOf(orderId: bigint, status: Status): StatusReport {
  return {
    kind: "report",
    orderId,
    status,
    by: "report",
    requestId: `bench-${orderId}-${status}`,
    remark: "",
    validateOnly: false,
    cause: { caller: "bench", operator: "bench", traceparent: "" },
  };
}
