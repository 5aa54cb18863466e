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

/** About as many Actions as an ordinary order has: four in eleven changes. */
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

/** Works with a database server: the one at `url`, or a durable MariaDB of its own in a temporary folder. */
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
  /** Reports taken. */
  readonly perSecond: number;
  /** How long a caller waited, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Reports in one commit. */
  readonly batch: number;
  /** Of one core, in this process. */
  readonly cpu: number;
}

/** Callers that lead orders through their lives, each its own, one report of an order after the other. */
export async function runCallers({
  db,
  callers,
  together = 1,
  seconds,
  warmup = 1,
  lanes,
  orders,
}: {
  readonly db: OrderDatabase;
  readonly callers: number;
  /** Orders that a caller leads at a time: it reports for all of them at once, and waits for all answers. */
  readonly together?: number;
  readonly seconds: number;
  /** Seconds before it counts. */
  readonly warmup?: number;
  readonly lanes: number;
  /** Orders at CREATED, each given out once. */
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
  const took: number[] = [];
  const begin = performance.now() + warmup * 1_000;
  const end = begin + seconds * 1_000;
  const before = process.cpuUsage();

  const lead = async () => {
    for (let group = take(orders, together); group.length > 0; group = take(orders, together)) {
      for (const status of LIFECYCLE) {
        const startedAt = performance.now();
        await Promise.all(group.map((orderId) => reportOnce(committer, orderId, status)));
        const now = performance.now();
        if (startedAt >= begin && now <= end) {
          took.push(now - startedAt);
        }
        if (now >= end) {
          return;
        }
      }
    }
    throw new Error("there are too few orders");
  };
  await Promise.all(Array.from({ length: callers }, lead));
  const { user, system } = process.cpuUsage(before);
  await committer.close();

  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? 0;
  return {
    perSecond: (took.length * together) / seconds,
    p50: at(0.5),
    p99: at(0.99),
    max: took.at(-1) ?? 0,
    batch: sizes.reduce((sum, size) => sum + size, 0) / sizes.length,
    cpu: (user + system) / 1e6 / (seconds + warmup),
  };
}

/** The next so many, fewer at the end; the iterator's own `take` would end it. */
function take(orders: Iterator<bigint>, count: number): bigint[] {
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
    cause: { caller: "bench", operator: "bench", traceparent: "" },
  };
  const result = await committer.report(report);
  if (result.kind !== "accepted" || result.outcome !== "applied") {
    throw new Error(`order ${orderId} to ${status}: ${JSON.stringify(result)}`);
  }
}

/** Fresh orders in CREATED, with the ids 1 to `count`, and empty event tables. */
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

/** Orders that one statement inserts. */
const FILL = 1_000;

/** The ids of `fillOrders`. */
export function* idsUpTo(count: number): Generator<bigint, undefined> {
  for (let id = 1; id <= count; id += 1) {
    yield BigInt(id);
  }
}
