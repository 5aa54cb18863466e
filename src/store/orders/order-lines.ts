import { type CompiledQuery, type Kysely, sql } from "kysely";
import type { SkuQuantity } from "../../domain/events.ts";
import { type Read, readOf } from "../mysql/read.ts";
import type { Database } from "../schema.ts";

/** What is ordered of one SKU, and its warehouse; 0 for virtual goods. */
export interface OrderLine {
  readonly skuId: bigint;
  readonly quantity: number;
  readonly warehouseId: bigint;
}

/** The lines of an order, by warehouse and SKU. */
export function orderLines(db: Kysely<Database>, orderId: bigint): Read<OrderLine[]> {
  const query = db
    .selectFrom("oms_db.oms_order_line")
    .select(["sku_id", "warehouse_id", "quantity"])
    .where("order_id", "=", orderId)
    .orderBy("warehouse_id")
    .orderBy("sku_id");
  return readOf(query.compile(), (rows) =>
    rows.map(({ sku_id, warehouse_id, quantity }) => ({ skuId: sku_id, warehouseId: warehouse_id, quantity })),
  );
}

/** The SKUs whose shipped quantities are recorded. */
export function recordedSkus(db: Kysely<Database>, orderId: bigint): Read<ReadonlySet<bigint>> {
  const query = db.selectFrom("oms_db.oms_order_detail_exp").select("sku_id").where("order_id", "=", orderId);
  return readOf(query.compile(), (rows) => new Set(rows.map(({ sku_id }) => sku_id)));
}

/**
 * Records the shipped quantity of each SKU; it replaces an earlier one. Legacy tables may lack a
 * unique key for an upsert.
 *
 * @param recorded the SKUs that have a row
 */
export function writeShippedLines(
  db: Kysely<Database>,
  orderId: bigint,
  lines: readonly SkuQuantity[],
  recorded: ReadonlySet<bigint>,
): CompiledQuery[] {
  const updated = lines.filter(({ skuId }) => recorded.has(skuId));
  const inserted = lines.filter(({ skuId }) => !recorded.has(skuId));
  const statements: CompiledQuery[] = [];
  if (updated.length > 0) {
    const json = JSON.stringify(updated.map(({ skuId, quantity }) => [String(skuId), quantity]));
    const update = sql`
      update json_table(${json}, '$[*]' columns (sku_id bigint path '$[0]', quantity int path '$[1]')) d
      straight_join ${sql.table("oms_db.oms_order_detail_exp")} e on e.order_id = ${orderId} and e.sku_id = d.sku_id
      set e.delivery_num = d.quantity`;
    statements.push(update.compile(db));
  }
  if (inserted.length > 0) {
    const insert = db
      .insertInto("oms_db.oms_order_detail_exp")
      .values(inserted.map(({ skuId, quantity }) => ({ order_id: orderId, sku_id: skuId, delivery_num: quantity })));
    statements.push(insert.compile());
  }
  return statements;
}
