import type { Kysely } from "kysely";
import type { OrderFacts } from "../../domain/decide.ts";
import { isVirtual, type OrderKinds, type SourceAndType } from "../../domain/order-kinds.ts";
import type { VerdictFacts } from "../../domain/verdicts.ts";
import type { Database } from "../schema.ts";

/** What events and verdicts say of an order. */
export interface OrderSummary extends VerdictFacts, SourceAndType {
  readonly orderId: bigint;
  /** 0 where the old row does not say. */
  readonly rootParentId: bigint;
  /** In how many warehouses the goods are that the forward flow brings to dispatch; 0 where it does not move the order. */
  readonly warehouseCount: number;
}

/** An order as its two rows say. */
export interface Order extends OrderSummary, OrderFacts {}

/** The columns of an order's rows that make an `Order`; BIGINT is a bigint or, from the committer's connections, text. */
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

/** An order exists where both rows do. */
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

export function toSummary(row: OrderRow): OrderSummary {
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

/** A flag of an old table, null meaning no. */
export function isSet(flag: number | null): boolean {
  return Number(flag) === 1;
}
