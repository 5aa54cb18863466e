import { sql, type Transaction } from "kysely";
import type { SkuQuantity } from "../../domain/events.ts";
import type { Database } from "../schema.ts";

/** What is ordered of one SKU, and its warehouse; 0 for virtual goods. */
export interface OrderLine {
  readonly skuId: bigint;
  readonly quantity: number;
  readonly warehouseId: bigint;
}

/** The lines of an order, by warehouse and SKU. */
export async function readLines(trx: Transaction<Database>, orderId: bigint): Promise<OrderLine[]> {
  const rows = await trx
    .selectFrom("oms_db.oms_order_line")
    .select(["sku_id", "warehouse_id", "quantity"])
    .where("order_id", "=", orderId)
    .orderBy("warehouse_id")
    .orderBy("sku_id")
    .execute();
  return rows.map(({ sku_id, warehouse_id, quantity }) => ({ skuId: sku_id, warehouseId: warehouse_id, quantity }));
}

/** Inserts lines by warehouse, and their sums by SKU for legacy readers. */
export async function insertLines(
  trx: Transaction<Database>,
  lines: readonly (OrderLine & { readonly orderId: bigint })[],
): Promise<void> {
  await trx
    .insertInto("oms_db.oms_order_line")
    .values(
      lines.map(({ orderId, skuId, quantity, warehouseId }) => ({
        order_id: orderId,
        warehouse_id: warehouseId,
        sku_id: skuId,
        quantity,
      })),
    )
    .execute();
  const bySku = Map.groupBy(lines, ({ orderId, skuId }) => `${orderId} ${skuId}`);
  await trx
    .insertInto("oms_db.oms_order_detail")
    .values(
      [...bySku.values()].map((same) => ({
        order_id: (same[0] as (typeof lines)[number]).orderId,
        sku_id: (same[0] as (typeof lines)[number]).skuId,
        quantity: same.reduce((sum, { quantity }) => sum + quantity, 0),
      })),
    )
    .execute();
}

/**
 * Records the shipped quantity of each SKU; it replaces an earlier one. Legacy tables may lack a
 * unique key for an upsert.
 */
export async function writeShippedLines(
  trx: Transaction<Database>,
  orderId: bigint,
  lines: readonly SkuQuantity[],
): Promise<void> {
  const rows = await trx
    .selectFrom("oms_db.oms_order_detail_exp")
    .select("sku_id")
    .where("order_id", "=", orderId)
    .execute();
  const present = new Set(rows.map(({ sku_id }) => sku_id));
  const updated = lines.filter(({ skuId }) => present.has(skuId));
  const inserted = lines.filter(({ skuId }) => !present.has(skuId));
  if (updated.length > 0) {
    const json = JSON.stringify(updated.map(({ skuId, quantity }) => [String(skuId), quantity]));
    await sql`
      update json_table(${json}, '$[*]' columns (sku_id bigint path '$[0]', quantity int path '$[1]')) d
      straight_join ${sql.table("oms_db.oms_order_detail_exp")} e on e.order_id = ${orderId} and e.sku_id = d.sku_id
      set e.delivery_num = d.quantity`.execute(trx);
  }
  if (inserted.length > 0) {
    await trx
      .insertInto("oms_db.oms_order_detail_exp")
      .values(inserted.map(({ skuId, quantity }) => ({ order_id: orderId, sku_id: skuId, delivery_num: quantity })))
      .execute();
  }
}
