import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import type { CallContext } from "../../../src/application/context.ts";
import type { OperationDeps } from "../../../src/application/deps.ts";
import { ChangeFeed } from "../../../src/application/watch/change-feed.ts";
import type { OrderEvent } from "../../../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import type { PauseRequest } from "../../../src/domain/pause.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import type { StatusReport } from "../../../src/domain/status-report.ts";
import { createCommitter } from "../../../src/store/commit/committer.ts";
import type { OrderChange, ReadResults } from "../../../src/store/commit/order-change.ts";
import type { Committer, CommitterOptions } from "../../../src/store/commit/types.ts";
import { openTotalsReader } from "../../../src/store/ledger/open-counts.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import type { CommittedEvent, EventDeps, Subscription } from "../../../src/store/outbox/outbox.ts";
import { flowOrderReader } from "../../../src/store/reads/flows.ts";
import { snapshotReader } from "../../../src/store/reads/snapshots.ts";
import { useMariadb } from "../../support/servers.ts";

/** The tables of this test file, migrated. */
export function useStore(): { readonly db: OrderDatabase; readonly url: string; readonly prefix: string } {
  const { url, prefix } = useMariadb();
  const db = openDatabase({ url, prefix });
  beforeAll(async () => {
    await migrate(db);
  });
  afterAll(() => db.destroy());
  return { db, url, prefix };
}

let lastOrderId = 100_000n;

/** An order as another system inserts it: with the legacy columns only. */
export async function insertOrder(
  db: OrderDatabase,
  order: {
    readonly orderId?: bigint;
    readonly status?: Status;
    readonly orderSource?: number;
    readonly orderType?: number;
    readonly isParent?: number;
    readonly rootParentId?: bigint;
  } = {},
): Promise<bigint> {
  lastOrderId += 1n;
  const { orderId = lastOrderId, status = Status.CREATED, orderSource = 1000, orderType = 1, isParent = 0 } = order;
  await db
    .insertInto("oms_db.oms_order_main")
    .values({
      order_id: orderId,
      root_parent_id: order.rootParentId ?? orderId,
      is_parent: isParent,
      order_source: orderSource,
      order_type: orderType,
    })
    .execute();
  await db.insertInto("oms_db.oms_order_status").values({ order_id: orderId, order_status: status }).execute();
  return orderId;
}

/** Encodes an event as its message id. */
export function encode(event: OrderEvent): ReturnType<EventDeps["encode"]> {
  return {
    subject: `test.${event.type}`,
    eventType: `test.${event.type}.v1`,
    body: Buffer.from(event.messageId),
  };
}

/** Two Actions subscribe to status changes, one to everything else. */
export function subscriptionsFor(event: OrderEvent): readonly Subscription[] {
  const names = event.type === "status-changed" ? ["first-action", "second-action"] : ["first-action"];
  return names.map((action) => ({ action }));
}

export const eventDeps: EventDeps = { encode, subscriptionsFor, ledgerWatchMs: 30_000 };

export interface TestCommitter extends Committer {
  /** The events of each onCommitted call. */
  readonly batches: (readonly CommittedEvent[])[];
}

/** A committer with default dependencies; the test closes it. */
export function openCommitter(db: OrderDatabase, options: Partial<CommitterOptions> = {}): TestCommitter {
  const batches: (readonly CommittedEvent[])[] = [];
  const committer = createCommitter({
    db,
    kinds: DEFAULT_ORDER_KINDS,
    ...eventDeps,
    onCommitted: (events) => batches.push(events),
    ...options,
  });
  /** `onCommitted` is called in the event loop turn after the answers. */
  const withEvents = <Result>(answer: Promise<Result>) => answer.finally(() => setImmediate());
  return {
    ...committer,
    report: (request, call) => withEvents(committer.report(request, call)),
    pause: (request, call) => withEvents(committer.pause(request, call)),
    change: (request, call) => withEvents(committer.change(request, call)),
    batches,
  };
}

/** The operations on this database, with the events that they publish. */
export function useOperations(db: OrderDatabase): {
  readonly operations: OperationDeps;
  readonly published: CommittedEvent[];
  readonly committer: Committer;
} {
  const published: CommittedEvent[] = [];
  const committer = openCommitter(db, { onCommitted: (events) => published.push(...events) });
  const feed = new ChangeFeed({ changesSince: async () => [], orderIdsOfTrade: async () => [] });
  afterAll(async () => {
    feed.close();
    await committer.close();
  });
  const operations: OperationDeps = {
    db,
    committer,
    interventions: { ...eventDeps, db, onCommitted: (events) => published.push(...events) },
    readSnapshot: snapshotReader(db),
    readWatchedSnapshot: snapshotReader(db),
    readFlowOrder: flowOrderReader(db),
    readOpenTotals: openTotalsReader(db, 30_000),
    feed,
    actions: [],
    outboxRetentionMs: 60_000,
    kinds: DEFAULT_ORDER_KINDS,
    paymentTimeoutMs: 1_800_000,
    wmsAnswerMs: 60_000,
    now: () => db.clock.now(),
  };
  return { operations, published, committer };
}

export const CAUSE = {
  caller: "wms",
  operator: "li",
  authenticatedOperator: "li.wei",
  traceparent: "00-aa-bb-01",
} as const;

/** A call by the caller of `CAUSE`. */
export const CONTEXT: CallContext = {
  callId: "call-1",
  caller: CAUSE.caller,
  requestNamespace: "",
  authenticatedOperator: CAUSE.authenticatedOperator,
  traceparent: CAUSE.traceparent,
  reportableStatuses: undefined,
  orderScope: undefined,
  deadline: undefined,
  signal: new AbortController().signal,
};

export function report(orderId: bigint, status: Status, more: Partial<StatusReport> = {}): StatusReport {
  return {
    kind: "report",
    orderId,
    status,
    by: "report",
    requestId: "",
    remark: "",
    validateOnly: false,
    cause: CAUSE,
    ...more,
  };
}

export function pause(orderId: bigint, paused: boolean, more: Partial<PauseRequest> = {}): PauseRequest {
  return { kind: "pause", orderId, paused, reason: "", cause: CAUSE, ...more };
}

/** A change that is decided by `more.decide`, without reads and request id. */
export function change<Result, Results extends ReadResults = ReadResults>(
  orderId: bigint,
  more: Partial<OrderChange<Result, Results>> & Pick<OrderChange<Result, Results>, "decide">,
): OrderChange<Result, Results> {
  const reads = {} as OrderChange<Result, Results>["reads"];
  return { kind: "change", orderId, cause: CAUSE, requestId: "", contentDigest: Buffer.alloc(20), reads, ...more };
}

/** All rows of an order in a table, as they are, oldest first. */
export async function rowsOf(
  db: OrderDatabase,
  table:
    | "oms_db.oms_status_history"
    | "oms_db.oms_outbox"
    | "oms_db.oms_action_ledger"
    | "oms_db.oms_order_status"
    | "oms_db.oms_order_main"
    | "oms_db.oms_request",
  orderId: bigint,
): Promise<Record<string, unknown>[]> {
  const rows = await db.selectFrom(table).selectAll().where("order_id", "=", orderId).execute();
  return rows.toSorted((a, b) => ("id" in a && "id" in b ? Number(a.id - b.id) : 0));
}
