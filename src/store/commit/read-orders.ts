import type { OrderKinds } from "../../domain/order-kinds.ts";
import { literal } from "../mysql/literals.ts";
import { type Order, type OrderRow, toOrder } from "../orders/order-row.ts";
import type { PendingRequest } from "./pending-request.ts";
import type { KnownRequest } from "./request-id.ts";
import { type Rows, rowsOf, type Session } from "./session.ts";
import type { Tables } from "./tables.ts";

/** What a batch is decided on. */
export interface BatchFacts {
  readonly orders: ReadonlyMap<bigint, Order>;
  /** Orders that exist, but that somebody else has locked; always empty for a patient read. */
  readonly lockedByOthers: ReadonlySet<bigint>;
  /** By request id. */
  readonly knownRequests: ReadonlyMap<string, KnownRequest>;
}

export interface ReadOptions {
  readonly tables: Tables;
  readonly kinds: OrderKinds;
  /** Waits for rows that somebody else has locked, in place of passing them over. */
  readonly waitForLocks: boolean;
}

/**
 * Begins the transaction and locks the batch's orders, all in one round trip. The request ids are looked up after the locks: whoever
 * had the same one for the same order is done by then.
 */
export async function readForBatch(
  session: Session,
  works: readonly PendingRequest[],
  { tables, kinds, waitForLocks }: ReadOptions,
): Promise<BatchFacts> {
  const requestIds = [
    ...new Set(works.flatMap(({ request }) => (request.kind === "report" ? request.requestId || [] : []))),
  ];
  const [locked, known] = await session.send([
    "start transaction",
    lockStatement(works, tables, waitForLocks),
    ...(requestIds.length === 0
      ? []
      : [
          `select request_id, digest, answer from ${tables.request} where request_id in (${requestIds.map(literal).join(",")})`,
        ]),
  ]);
  const orders = toOrders(locked, kinds);
  const missing = waitForLocks ? [] : orderIdsOf(works).filter((id) => !orders.has(id));
  return {
    orders,
    lockedByOthers: missing.length === 0 ? new Set() : await readExisting(session, missing, tables),
    knownRequests: toKnown(known),
  };
}

/**
 * Locks the orders of a batch: first the status row of an order, then its main row, orders by their ids, so that no two batches wait
 * for each other in a circle. A patient one waits for rows that somebody else has locked; else they are left out.
 */
export function lockStatement(works: readonly PendingRequest[], tables: Tables, patient: boolean): string {
  return (
    "select s.order_id, s.order_status, s.is_pause, s.is_finish, s.version, s.passed_states, s.status_time, s.warehouse_count," +
    " m.root_parent_id, m.is_parent, m.order_source, m.order_type" +
    ` from ${tables.status} s ${tables.statusIndex} straight_join ${tables.main} m ${tables.mainIndex}` +
    ` on m.order_id = s.order_id where s.order_id in (${orderIdsOf(works).join(",")}) order by s.order_id` +
    ` for update${patient ? "" : " skip locked"}`
  );
}

function orderIdsOf(works: readonly PendingRequest[]): bigint[] {
  return [...new Set(works.map(({ request }) => request.orderId))].toSorted((a, b) => (a < b ? -1 : 1));
}

/** Which of the orders that were passed over are there at all. */
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

function toKnown(result: Rows | undefined): Map<string, KnownRequest> {
  return new Map(
    rowsOf<{ request_id: Buffer; digest: Buffer; answer: string }>(result).map(({ request_id, digest, answer }) => [
      request_id.toString(),
      { digest, answer },
    ]),
  );
}
