import type { Kysely } from "kysely";
import type { Order, OrderSummary } from "../../domain/order.ts";
import { isVirtual, type OrderKinds } from "../../domain/order-kinds.ts";
import type { Database } from "../schema.ts";

/** The columns of an order's rows that make an `Order`. */
export interface OrderRow {
  readonly order_id: bigint;
  readonly order_status: number | null;
  readonly is_pause: number | null;
  readonly is_finish: number | null;
  readonly version: number;
  readonly passed_states: number;
  readonly status_time: Date | null;
  readonly warehouse_count: number;
  readonly root_parent_id: bigint | null;
  readonly is_parent: number | null;
  readonly order_source: number | null;
  readonly order_type: number | null;
}

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
    ]);
}

function toSummary(row: OrderRow): OrderSummary {
  return {
    orderId: row.order_id,
    rootParentId: row.root_parent_id ?? 0n,
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
