import type { Kysely } from "kysely";
import { idList } from "../mysql/id-list.ts";
import type { Database } from "../schema.ts";

/** A line of a return. */
export interface ReturnDetail {
  readonly orderId: bigint;
  readonly returnId: bigint;
  /** 0n in a row of the old system that does not say. */
  readonly skuId: bigint;
  /** 0 in a row of the old system that does not say. */
  readonly quantity: number;
  readonly createTime: Date | undefined;
}

/** The returns of orders (old detail/orderIds), by order, return and SKU. */
export async function readReturnDetails(db: Kysely<Database>, orderIds: readonly bigint[]): Promise<ReturnDetail[]> {
  const rows = await db
    .selectFrom("ordercancel_db.order_return_detail")
    .select(["order_id", "return_id", "sku_id", "quantity", "create_date"])
    .where("order_id", "in", idList(orderIds))
    .orderBy("order_id")
    .orderBy("return_id")
    .orderBy("sku_id")
    .execute();
  return rows.map((row) => ({
    orderId: BigInt(row.order_id),
    returnId: BigInt(row.return_id),
    skuId: BigInt(row.sku_id ?? 0),
    quantity: Number(row.quantity ?? 0),
    createTime: row.create_date ?? undefined,
  }));
}
