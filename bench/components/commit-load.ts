import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { OrderEvent } from "../../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../../src/domain/order-kinds.ts";
import { Status } from "../../src/domain/state-machine.ts";
import type { StatusReport } from "../../src/domain/status-report.ts";
import { createCommitter } from "../../src/store/commit/committer.ts";
import type { Committer } from "../../src/store/commit/types.ts";
import type { OrderDatabase } from "../../src/store/mysql/database.ts";
import type { Subscription } from "../../src/store/outbox/outbox.ts";
import { startStack } from "../../tools/devstack/index.ts";
import { LIFECYCLE } from "../load/call-sequences.ts";

const BODY = new Uint8Array(160).fill(7);

/** About as many subscriptions as a real order has: in four of eleven changes. */
function askedBy(event: OrderEvent): readonly Subscription[] {
  if (event.type !== "status-changed") {
    return [];
  }
  if (event.toStatus === Status.HANDED_OVER) {
    return [{ action: "customer-message" }];
  }
  const names = event.toStatus === Status.DELIVERED ? ["customer-message", "settlement-push", "gift-record"] : [];
  return names.map((action) => ({ action }));
}

/**
 * Runs `work` with the database server at `url`, or with a durable MariaDB in a temporary folder.
 */
export async function withDatabaseServer(url: string | undefined, work: (url: string) => Promise<void>): Promise<void> {
  if (url !== undefined) {
    await work(url);
    return;
  }
  const dataDir = await mkdtemp(join(tmpdir(), "oms-bench-"));
  const stack = await startStack({ dataDir, need: { mysql: true, redis: false, nats: false }, onProgress: () => {} });
  try {
    await work(stack.mysqlUrl as string);
  } finally {
    await stack.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

export interface CommitRun {
  /** Accepted reports, those of the warm-up included. */
  readonly reports: number;
  /** Accepted reports per second. */
  readonly perSecond: number;
  /** Latency in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Mean number of reports per commit. */
  readonly batch: number;
  /** Cores used by this process. */
  readonly cpu: number;
}

/** Callers that move orders through their lifecycle, one report per order at a time. */
export async function runCallers({
  db,
  callers,
  reportsPerCaller = 1,
  seconds,
  warmup = 1,
  lanes,
  orders,
}: {
  readonly db: OrderDatabase;
  readonly callers: number;
  /** Number of orders per caller that are reported concurrently; 1 by default. */
  readonly reportsPerCaller?: number;
  readonly seconds: number;
  /** Warm-up in seconds. */
  readonly warmup?: number;
  readonly lanes: number;
  /** Orders at CREATED; each is used once. */
  readonly orders: Iterator<bigint>;
}): Promise<CommitRun> {
  const sizes: number[] = [];
  const committer = createCommitter({
    db,
    kinds: DEFAULT_ORDER_KINDS,
    subscriptionsFor: askedBy,
    encode: (event) => ({ subject: "oms.v1.order.status", eventType: event.type, body: BODY }),
    onCommitted: () => {},
    lanes,
    ledgerWatchMs: 30_000,
    observe: { committed: (size) => sizes.push(size) },
  });
  const latencies: number[] = [];
  const begin = performance.now() + warmup * 1_000;
  const end = begin + seconds * 1_000;
  const before = process.cpuUsage();

  const runCaller = async () => {
    for (
      let group = takeOrders(orders, reportsPerCaller);
      group.length > 0;
      group = takeOrders(orders, reportsPerCaller)
    ) {
      for (const status of LIFECYCLE) {
        const startedAt = performance.now();
        await Promise.all(group.map((orderId) => reportOnce(committer, orderId, status)));
        const now = performance.now();
        if (startedAt >= begin && now <= end) {
          latencies.push(now - startedAt);
        }
        if (now >= end) {
          return;
        }
      }
    }
    throw new Error("the orders ran out");
  };
  await Promise.all(Array.from({ length: callers }, runCaller));
  const { user, system } = process.cpuUsage(before);
  await committer.close();

  latencies.sort((a, b) => a - b);
  const reports = sizes.reduce((sum, size) => sum + size, 0);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    reports,
    perSecond: (latencies.length * reportsPerCaller) / seconds,
    p50: at(0.5),
    p99: at(0.99),
    max: latencies.at(-1) ?? 0,
    batch: reports / sizes.length,
    cpu: (user + system) / 1e6 / (seconds + warmup),
  };
}

/**
 * The next orders, fewer at the end. Unlike the iterator's own `take` it does not close it.
 */
function takeOrders(orders: Iterator<bigint>, count: number): bigint[] {
  const taken: bigint[] = [];
  for (let next = orders.next(); !next.done; next = orders.next()) {
    taken.push(next.value);
    if (taken.length === count) {
      break;
    }
  }
  return taken;
}

async function reportOnce(committer: Committer, orderId: bigint, status: Status): Promise<void> {
  const report: StatusReport = {
    kind: "report",
    orderId,
    status,
    by: "report",
    requestId: `bench-${orderId}-${status}`,
    remark: "",
    validateOnly: false,
    cause: { caller: "bench", operator: "bench", authenticatedOperator: "", traceparent: "" },
  };
  const result = await committer.report(report);
  if (result.kind !== "accepted" || result.outcome !== "applied") {
    throw new Error(`order ${orderId} to ${status}: ${JSON.stringify(result)}`);
  }
}

/** Empties the tables and inserts orders at CREATED with ids from 1 to `count`. */
export async function fillOrders(db: OrderDatabase, count: number): Promise<void> {
  for (const table of CHANGED_TABLES) {
    await sql`truncate table ${sql.table(`oms_db.${table}`)}`.execute(db);
  }
  for (let start = 1; start <= count; start += FILL) {
    const ids = Array.from({ length: Math.min(FILL, count - start + 1) }, (_, index) => BigInt(start + index));
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

const CHANGED_TABLES = [
  "oms_order_main",
  "oms_order_status",
  "oms_status_history",
  "oms_outbox",
  "oms_action_ledger",
  "oms_request",
] as const;

/** Orders per insertion. */
const FILL = 1_000;

/** The ids that `fillOrders` inserts. */
export function* idsUpTo(count: number): Generator<bigint, undefined> {
  for (let id = 1; id <= count; id += 1) {
    yield BigInt(id);
  }
}
