import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OrderEvent } from "../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../src/domain/order-kinds.ts";
import { Status } from "../src/domain/state-machine.ts";
import { startStack } from "../src/stack/index.ts";
import { type Committer, createCommitter, type StatusReport } from "../src/store/committer/index.ts";
import type { OrderDatabase } from "../src/store/database.ts";
import type { Asked } from "../src/store/outbox.ts";

/** A life of eleven changes, the first CREATED excepted. */
export const LIFE: readonly Status[] = [
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

/** Works with a database server: the one at `url`, or a durable MariaDB of its own in a temporary folder. */
export async function withServer(url: string | undefined, work: (url: string) => Promise<void>): Promise<void> {
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

export interface CommitRun {
  readonly perSecond: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Reports in one commit. */
  readonly batch: number;
  /** Of one core, in this process. */
  readonly cpu: number;
}

const WARM_UP_MS = 1_000;

/** Callers that lead orders through their lives, each its own, one report after the other. */
export async function runCallers({
  db,
  callers,
  seconds,
  lanes,
  orders,
}: {
  readonly db: OrderDatabase;
  readonly callers: number;
  /** After a second of warming up. */
  readonly seconds: number;
  readonly lanes: number;
  /** Orders at CREATED, each given out once. */
  readonly orders: Iterator<bigint>;
}): Promise<CommitRun> {
  const sizes: number[] = [];
  const committer = createCommitter({
    db,
    kinds: DEFAULT_ORDER_KINDS,
    askedBy,
    encode: (event) => ({ subject: "oms.v1.order.status", eventType: event.type, body: BODY }),
    onCommitted: () => {},
    lanes,
    ledgerWatchMs: 30_000,
    observe: { committed: (size) => sizes.push(size) },
  });
  const took: number[] = [];
  const begin = performance.now() + WARM_UP_MS;
  const end = begin + seconds * 1_000;
  const before = process.cpuUsage();

  const lead = async () => {
    for (let next = orders.next(); !next.done; next = orders.next()) {
      for (const status of LIFE) {
        const startedAt = performance.now();
        await reportOnce(committer, next.value, status);
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
    perSecond: took.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    max: took.at(-1) ?? 0,
    batch: sizes.reduce((sum, size) => sum + size, 0) / sizes.length,
    cpu: (user + system) / 1e6 / (seconds + WARM_UP_MS / 1_000),
  };
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
  if (result.kind !== "taken" || result.outcome !== "applied") {
    throw new Error(`order ${orderId} to ${status}: ${JSON.stringify(result)}`);
  }
}
