import { type Kysely, sql, type Transaction } from "kysely";
import type { Order, OrderSummary } from "../../domain/order.ts";
import { isVirtual, type OrderKinds } from "../../domain/order-kinds.ts";
import type { OrderScope } from "../../domain/order-scope.ts";
import type { Database } from "../schema.ts";

/**
 * The columns of an order's rows that make an `Order`; BIGINT is a bigint or, from the committer's
 * connections, text.
 */
export interface OrderRow {
  readonly order_id: bigint | string;
  readonly order_status: number | null;
  readonly is_pause: number | null;
  readonly is_finish: number | null;
  readonly version: number;
  readonly passed_states: number;
  readonly status_time: Date | null;
  readonly warehouse_count: number;
  readonly root_parent_id: bigint | string | null;
  readonly is_parent: number | null;
  readonly order_source: number | null;
  readonly order_type: number | null;
}

/** An order with its refund mark. */
export type LockedOrder = Order & { readonly refundMarked: boolean };

/** An order exists if both its rows do. */
export function selectOrders(db: Kysely<Database>) {
  return db
    .selectFrom("oms_db.oms_order_status as s")
    .innerJoin("oms_db.oms_order_main as m", "m.order_id", "s.order_id")
    .select([
      "s.order_id",
      "s.order_status",
      "s.is_pause",
      "s.is_finish",
      "s.version",
      "s.passed_states",
      "s.status_time",
      "s.warehouse_count",
      "m.root_parent_id",
      "m.is_parent",
      "m.order_source",
      "m.order_type",
      "m.is_refund",
    ]);
}

/**
 * Locks orders as the committer does, the status row before the main row, by id: the events of an
 * order get the order of its changes, and transactions do not deadlock. Unknown orders, and those
 * outside the scope, are left out.
 */
export async function lockOrders(
  trx: Transaction<Database>,
  orderIds: readonly bigint[],
  kinds: OrderKinds,
  scope: OrderScope,
): Promise<LockedOrder[]> {
  if (orderIds.length === 0) {
    return [];
  }
  const rows = await selectOrders(trx)
    .where("s.order_id", "in", orderIds)
    .$if(scope !== undefined, (query) => query.where("m.order_source", "in", [...(scope ?? [])]))
    .orderBy("s.order_id")
    .modifyFront(sql`straight_join`)
    .forUpdate()
    .execute();
  return rows.map((row) => ({ ...toOrder(row, kinds), refundMarked: isSet(row.is_refund) }));
}

/** `lockOrders` for one order; undefined where there is no such order. */
export async function lockOrder(
  trx: Transaction<Database>,
  orderId: bigint,
  kinds: OrderKinds,
  scope: OrderScope,
): Promise<LockedOrder | undefined> {
  const [order] = await lockOrders(trx, [orderId], kinds, scope);
  return order;
}

/** Whether there is a main row of the order, committed or of this transaction. */
export async function orderExists(trx: Transaction<Database>, orderId: bigint): Promise<boolean> {
  const row = await trx
    .selectFrom("oms_db.oms_order_main")
    .select("order_id")
    .where("order_id", "=", orderId)
    .executeTakeFirst();
  return row !== undefined;
}

function toSummary(row: OrderRow): OrderSummary {
  return {
    orderId: BigInt(row.order_id),
    rootParentId: BigInt(row.root_parent_id ?? 0),
    orderSource: Number(row.order_source),
    orderType: Number(row.order_type),
    status: Number(row.order_status),
    isParent: isSet(row.is_parent),
    isFinish: isSet(row.is_finish),
    warehouseCount: row.warehouse_count,
  };
}

export function toOrder(row: OrderRow, kinds: OrderKinds): Order {
  const summary = toSummary(row);
  return {
    ...summary,
    version: row.version,
    paused: isSet(row.is_pause),
    passed: row.passed_states,
    statusTime: row.status_time,
    virtual: isVirtual(kinds, summary),
  };
}

/** A flag of a legacy table; null means no. */
export function isSet(flag: number | null): boolean {
  return Number(flag) === 1;
}
