import type { Order } from "../../domain/order.ts";
import type { OrderKinds } from "../../domain/order-kinds.ts";
import { literal } from "../mysql/literals.ts";
import { type OrderRow, toOrder } from "../orders/order-row.ts";
import { type KnownRequest, knownKeys } from "../orders/request-answers.ts";
import type { Tables } from "./connector.ts";
import { type Rows, rowsOf, type Session } from "./session.ts";
import type { PendingRequest } from "./types.ts";

/** What a batch is decided on. */
export interface BatchFacts {
  readonly orders: ReadonlyMap<bigint, Order>;
  /** Orders that exist but are locked by other transactions; empty when waiting for locks. */
  readonly lockedByOthers: ReadonlySet<bigint>;
  /** By their keys in the table. */
  readonly knownRequests: ReadonlyMap<string, KnownRequest>;
}

export interface ReadOptions {
  readonly tables: Tables;
  readonly kinds: OrderKinds;
  /** Waits for rows that others have locked; otherwise skips them. */
  readonly waitForLocks: boolean;
}

const NO_ORDERS: ReadonlySet<bigint> = new Set();

/**
 * Begins the transaction, locks the batch's orders and reads its request ids, in one round trip.
 * The request ids are read after the locks: an earlier request with the same id for the same order
 * is committed by then.
 */
export async function readForBatch(
  session: Session,
  requests: readonly PendingRequest[],
  { tables, kinds, waitForLocks }: ReadOptions,
): Promise<BatchFacts> {
  const keys = [
    ...new Set(
      requests.flatMap(({ request }) =>
        request.kind === "report" && request.requestId !== "" ? knownKeys(request) : [],
      ),
    ),
  ];
  const [locked, known] = await session.send([
    "start transaction",
    lockStatement(requests, tables, waitForLocks),
    ...(keys.length === 0
      ? []
      : [
          `select request_id, digest, answer from ${tables.request} where request_id in (${keys.map(literal).join(",")})`,
        ]),
  ]);
  const orders = toOrders(locked, kinds);
  const missing = waitForLocks ? [] : orderIdsOf(requests).filter((id) => !orders.has(id));
  return {
    orders,
    lockedByOthers: missing.length === 0 ? NO_ORDERS : await readExisting(session, missing, tables),
    knownRequests: toKnownRequests(known),
  };
}

/**
 * Locks the orders of a batch: the status row of an order, then its main row, orders by id, so that
 * batches do not deadlock. Rows that others have locked are skipped unless `waitForLocks`.
 */
export function lockStatement(requests: readonly PendingRequest[], tables: Tables, waitForLocks: boolean): string {
  return (
    "select s.order_id, s.order_status, s.is_pause, s.is_finish, s.version, s.passed_states, s.status_time, s.warehouse_count," +
    " m.root_parent_id, m.is_parent, m.order_source, m.order_type" +
    ` from ${tables.status} s ${tables.statusIndex} straight_join ${tables.main} m ${tables.mainIndex}` +
    ` on m.order_id = s.order_id where s.order_id in (${orderIdsOf(requests).join(",")}) order by s.order_id` +
    ` for update${waitForLocks ? "" : " skip locked"}`
  );
}

function orderIdsOf(requests: readonly PendingRequest[]): bigint[] {
  return [...new Set(requests.map(({ request }) => request.orderId))].toSorted((a, b) => (a < b ? -1 : 1));
}

/** Those of the skipped orders that exist. */
async function readExisting(session: Session, orderIds: readonly bigint[], tables: Tables): Promise<Set<bigint>> {
  const [result] = await session.send([
    `select s.order_id from ${tables.status} s straight_join ${tables.main} m on m.order_id = s.order_id` +
      ` where s.order_id in (${orderIds.join(",")})`,
  ]);
  return new Set(rowsOf<{ order_id: string }>(result).map(({ order_id }) => BigInt(order_id)));
}

function toOrders(result: Rows | undefined, kinds: OrderKinds): Map<bigint, Order> {
  return new Map(
    rowsOf<OrderRow>(result).map((row) => {
      const order = toOrder(row, kinds);
      return [order.orderId, order];
    }),
  );
}

function toKnownRequests(result: Rows | undefined): Map<string, KnownRequest> {
  return new Map(
    rowsOf<{ request_id: Buffer; digest: Buffer; answer: string }>(result).map(({ request_id, digest, answer }) => [
      request_id.toString(),
      { digest, answer },
    ]),
  );
}
