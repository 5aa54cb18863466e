import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll } from "vitest";
import type { OrderEvent } from "../../../src/domain/events.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import {
  type Committer,
  type CommitterOptions,
  createCommitter,
  type PauseRequest,
  type StatusReport,
} from "../../../src/store/commit/index.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import type { CommittedEvent, EventDeps, Subscription } from "../../../src/store/outbox/outbox.ts";
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

/** An order as another system inserts it: with the columns that the old texts name, and no others. */
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

/** A body that says which event it is. */
export function encode(event: OrderEvent): ReturnType<EventDeps["encode"]> {
  return {
    subject: `test.${event.type}`,
    eventType: `test.${event.type}.v1`,
    body: Buffer.from(event.messageId),
  };
}

/** Every status change is asked for by two Actions, everything else by one. */
export function askedBy(event: OrderEvent): readonly Subscription[] {
  const names = event.type === "status-changed" ? ["first-action", "second-action"] : ["first-action"];
  return names.map((action) => ({ action }));
}

export const eventDeps: EventDeps = { encode, subscriptionsFor: askedBy, ledgerWatchMs: 30_000 };

export interface TestCommitter extends Committer {
  /** What onCommitted was told, one entry a batch. */
  readonly batches: (readonly CommittedEvent[])[];
}

/** A committer with sensible deps; closed after the file's tests, if the test did not. */
export function openCommitter(db: OrderDatabase, options: Partial<CommitterOptions> = {}): TestCommitter {
  const batches: (readonly CommittedEvent[])[] = [];
  const committer = createCommitter({
    db,
    kinds: DEFAULT_ORDER_KINDS,
    ...eventDeps,
    onCommitted: (events) => batches.push(events),
    ...options,
  });
  /** The events are told in the turn after the answers. */
  const told = <Result>(answer: Promise<Result>) => answer.finally(() => setImmediate());
  return {
    ...committer,
    report: (request) => told(committer.report(request)),
    pause: (request) => told(committer.pause(request)),
    batches,
  };
}

export const CAUSE = { caller: "wms", operator: "li", traceparent: "00-aa-bb-01" } as const;

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
