import type { Kysely } from "kysely";
import type { OrderFacts } from "../../domain/decide.ts";
import type { OrderKinds, SourceAndType } from "../../domain/order-kinds.ts";
import type { OrderScope } from "../../domain/order-scope.ts";
import type { VerdictFacts } from "../../domain/verdicts.ts";
import { isSet, selectOrders, toOrder } from "../orders/order-row.ts";
import type { Database } from "../schema.ts";

/** Ids of a trade's orders in the scope, including the root, ascending. */
export async function readOrderIdsOfTrade(
  db: Kysely<Database>,
  rootParentId: bigint,
  scope: OrderScope,
): Promise<bigint[]> {
  const rows = await db
    .selectFrom("oms_db.oms_order_main as m")
    .innerJoin("oms_db.oms_order_status as s", "s.order_id", "m.order_id")
    .select("m.order_id")
    .distinct()
    .where(({ or, eb }) => or([eb("m.root_parent_id", "=", rootParentId), eb("m.order_id", "=", rootParentId)]))
    .$if(scope !== undefined, (query) => query.where("m.order_source", "in", [...(scope ?? [])]))
    .orderBy("m.order_id")
    .execute();
  return rows.map(({ order_id }) => order_id);
}

/** Legacy operation 5, payedOrderStatus; undefined if there is no such order. */
export async function readPayment(
  db: Kysely<Database>,
  orderId: bigint,
): Promise<{ readonly paid: boolean } | undefined> {
  const row = await db
    .selectFrom("oms_db.oms_order_main as m")
    .innerJoin("oms_db.oms_order_status as s", "s.order_id", "m.order_id")
    .select("m.is_payed")
    .where("m.order_id", "=", orderId)
    .executeTakeFirst();
  return row && { paid: isSet(row.is_payed) };
}

/** Facts of legacy operation 9, getPayCheckOrder; undefined if there is no such order. */
export async function readPayable(
  db: Kysely<Database>,
  orderId: bigint,
): Promise<{ readonly orderSource: number; readonly createTime: Date; readonly cancelRequested: boolean } | undefined> {
  const row = await db
    .selectFrom("oms_db.oms_order_main as m")
    .innerJoin("oms_db.oms_order_status as s", "s.order_id", "m.order_id")
    .leftJoin("ordercancel_db.oms_order_cancel as c", "c.order_id", "m.order_id")
    .select(["m.order_source", "m.create_date", "c.order_id as cancel"])
    .where("m.order_id", "=", orderId)
    .executeTakeFirst();
  return (
    row && {
      orderSource: Number(row.order_source),
      // Creation time unknown: counts as long ago.
      createTime: row.create_date ?? new Date(0),
      cancelRequested: row.cancel !== null,
    }
  );
}

/**
 * Legacy operation 10, getSubOrderMaxStatus: the greatest status of the trade's sub-orders in the
 * scope, ties broken by the latest creation. Undefined if there is no sub-order.
 */
export async function readMaxSubOrderStatus(
  db: Kysely<Database>,
  rootParentId: bigint,
  uncountedTypes: readonly number[],
  scope: OrderScope,
): Promise<number | undefined> {
  const row = await db
    .selectFrom("oms_db.oms_order_main as m")
    .innerJoin("oms_db.oms_order_status as s", "s.order_id", "m.order_id")
    .select("s.order_status")
    .where("m.root_parent_id", "=", rootParentId)
    .where(({ eb, fn, val }) => eb(fn.coalesce("m.is_parent", val(0)), "=", 0))
    .$if(uncountedTypes.length > 0, (query) =>
      query.where(({ eb, fn, val }) => eb(fn.coalesce("m.order_type", val(0)), "not in", uncountedTypes)),
    )
    .$if(scope !== undefined, (query) => query.where("m.order_source", "in", [...(scope ?? [])]))
    .orderBy("s.order_status", "desc")
    .orderBy("s.create_date", "desc")
    .limit(1)
    .executeTakeFirst();
  return row && Number(row.order_status);
}

/** Legacy operation 11, getOrderSource: all sources, by number. */
export async function readOrderSources(
  db: Kysely<Database>,
): Promise<{ readonly orderSource: number; readonly name: string }[]> {
  const rows = await db
    .selectFrom("oms_db.oms_order_source")
    .select(["order_source", "order_source_value"])
    .orderBy("order_source")
    .execute();
  return rows.map(({ order_source, order_source_value }) => ({
    orderSource: Number(order_source),
    name: order_source_value ?? "",
  }));
}

/** Facts for a decision or a verdict; undefined if there is no such order. */
export async function readOrderFacts(
  db: Kysely<Database>,
  orderId: bigint,
  kinds: OrderKinds,
): Promise<(OrderFacts & VerdictFacts & SourceAndType) | undefined> {
  const row = await selectOrders(db).where("s.order_id", "=", orderId).executeTakeFirst();
  return row && toOrder(row, kinds);
}
