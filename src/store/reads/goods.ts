import type { Kysely } from "kysely";
import { createBatcher } from "../../lib/batcher.ts";
import { idList } from "../mysql/literals.ts";
import { type Read, readOf } from "../mysql/read.ts";
import type { Database } from "../schema.ts";

export interface Line {
  readonly skuId: bigint;
  readonly quantity: number;
}

export interface Invoice {
  readonly title: string;
  readonly content: string;
  readonly taxPayerCode: string;
  readonly email: string;
}

/** The order's invoice, with "" for NULL; undefined if it has none. */
export async function readInvoice(db: Kysely<Database>, orderId: bigint): Promise<Invoice | undefined> {
  const row = await db
    .selectFrom("oms_db.oms_order_invoice")
    .select(["invoice_title", "invoice_content", "invoice_tax_payer_code", "invoice_email"])
    .where("order_id", "=", orderId)
    .executeTakeFirst();
  return (
    row && {
      title: row.invoice_title ?? "",
      content: row.invoice_content ?? "",
      taxPayerCode: row.invoice_tax_payer_code ?? "",
      email: row.invoice_email ?? "",
    }
  );
}

/** Ordered quantities, by SKU. */
export async function readDetailLines(db: Kysely<Database>, orderId: bigint): Promise<Line[]> {
  return (await readAllDetailLines(db, [orderId])).get(orderId) ?? [];
}

/** Shipped quantities, by SKU; empty if none were recorded. */
export async function readShippedLines(db: Kysely<Database>, orderId: bigint): Promise<Line[]> {
  return (await readAllShippedLines(db, [orderId])).get(orderId) ?? [];
}

/** `readDetailLines` for a change. */
export function detailLines(db: Kysely<Database>, orderId: bigint): Read<Line[]> {
  return readOf(selectDetailLines(db, [orderId]).compile(), (rows) => byOrder(rows).get(orderId) ?? []);
}

/** `readShippedLines` for a change. */
export function shippedLines(db: Kysely<Database>, orderId: bigint): Read<Line[]> {
  return readOf(selectShippedLines(db, [orderId]).compile(), (rows) => byOrder(rows).get(orderId) ?? []);
}

/** `readDetailLines`; concurrent calls share a query. */
export function detailLineReader(db: Kysely<Database>): (orderId: bigint) => Promise<Line[]> {
  return createLineReader((orderIds) => readAllDetailLines(db, orderIds));
}

/** `readShippedLines`; concurrent calls share a query. */
export function shippedLineReader(db: Kysely<Database>): (orderId: bigint) => Promise<Line[]> {
  return createLineReader((orderIds) => readAllShippedLines(db, orderIds));
}

/** Maximum number of orders in one query. */
const MAX_BATCH = 256;

type LinesByOrder = ReadonlyMap<bigint, Line[]>;

function createLineReader(
  read: (orderIds: readonly bigint[]) => Promise<LinesByOrder>,
): (orderId: bigint) => Promise<Line[]> {
  return createBatcher(
    async (orderIds) => {
      const lines = await read([...new Set(orderIds)]);
      return orderIds.map((orderId) => lines.get(orderId) ?? []);
    },
    { maxBatch: MAX_BATCH },
  );
}

async function readAllDetailLines(db: Kysely<Database>, orderIds: readonly bigint[]): Promise<LinesByOrder> {
  return byOrder(await selectDetailLines(db, orderIds).execute());
}

function selectDetailLines(db: Kysely<Database>, orderIds: readonly bigint[]) {
  return db
    .selectFrom("oms_db.oms_order_detail")
    .select(({ fn }) => ["order_id", "sku_id", fn.sum<string | null>("quantity").as("quantity")])
    .where("order_id", "in", idList(orderIds))
    .groupBy(["order_id", "sku_id"])
    .orderBy("sku_id");
}

async function readAllShippedLines(db: Kysely<Database>, orderIds: readonly bigint[]): Promise<LinesByOrder> {
  return byOrder(await selectShippedLines(db, orderIds).execute());
}

function selectShippedLines(db: Kysely<Database>, orderIds: readonly bigint[]) {
  return db
    .selectFrom("oms_db.oms_order_detail_exp")
    .select(({ fn }) => ["order_id", "sku_id", fn.max("delivery_num").as("quantity")])
    .where("order_id", "in", idList(orderIds))
    .where("delivery_num", "is not", null)
    .groupBy(["order_id", "sku_id"])
    .orderBy("sku_id");
}

function byOrder(
  rows: readonly { order_id: bigint; sku_id: bigint; quantity: string | number | null }[],
): LinesByOrder {
  const groups = Map.groupBy(rows, ({ order_id }) => order_id);
  const linesOf = (group: typeof rows) =>
    group.map(({ sku_id, quantity }) => ({ skuId: sku_id, quantity: Number(quantity) }));
  return new Map([...groups].map(([orderId, group]) => [orderId, linesOf(group)]));
}
