import type { Connection, RowDataPacket } from "mysql2/promise";

/** A line of an order. */
export interface Line {
  readonly skuId: bigint;
  readonly quantity: number;
  /** 0 for virtual goods. */
  readonly warehouseId?: bigint;
}

/** An order as submitted by the shop, or a child order after a split. */
export interface Order {
  readonly id: bigint;
  readonly kind: Kind;
  readonly source: number;
  readonly type: number;
  readonly isParent: boolean;
  readonly lines: readonly Line[];
}

export type Kind = keyof typeof KINDS;

/** The kinds of orders, with their default sources and types, and their number among ten orders. */
const KINDS = {
  ordinary: { sources: [1000, 1025], type: 1, ofTen: 3 },
  marketplace: { sources: [2001, 2002, 2003], type: 1, ofTen: 2 },
  enterprise: { sources: [1000], type: 21, ofTen: 1 },
  "recharge card": { sources: [1000], type: 31, ofTen: 1 },
  "iQIYI recharge": { sources: [1000], type: 32, ofTen: 1 },
  replenishment: { sources: [1010, 10010], type: 1, ofTen: 2 },
} as const;

const KIND_OF_TEN = (Object.keys(KINDS) as Kind[]).flatMap((kind) =>
  Array.from({ length: KINDS[kind].ofTen }, () => kind),
);

/** Virtual goods: the order goes from PAID to DELIVERED. */
export function isVirtual({ kind }: Order): boolean {
  return kind === "recharge card" || kind === "iQIYI recharge";
}

/** The n-th order of the demo. Every 50th is split. Ids exceed 32 bits. */
export function makeOrder(firstId: bigint, index: number): Order {
  const kind = KIND_OF_TEN[index % KIND_OF_TEN.length] ?? "ordinary";
  const { sources, type } = KINDS[kind];
  const id = firstId + BigInt(index);
  const isParent = index % 50 === 0;
  const warehouses = isParent ? 2 + (index % 100 === 0 ? 1 : 0) : 1;
  const virtual = kind === "recharge card" || kind === "iQIYI recharge";
  const lines = Array.from({ length: isParent ? 3 : 1 + (index % 3) }, (_, line) => ({
    skuId: 7_000_000_000n + BigInt((index * 7 + line * 13) % 5_000),
    quantity: 1 + ((index + line) % 4),
    warehouseId: virtual ? 0n : 11n + BigInt(line % warehouses),
  }));
  return {
    id,
    kind,
    source: sources[Math.floor(index / 7) % sources.length] ?? 0,
    type,
    isParent,
    lines,
  };
}

/** The start of a range of unused order ids. */
export async function freshIds(database: Connection, prefix: string): Promise<bigint> {
  const [rows] = await database.query<RowDataPacket[]>(
    `select max(order_id) as last from ${prefix}oms_db.oms_order_main`,
  );
  const now = BigInt(Date.now()) * 1_000n;
  const last = BigInt(rows[0]?.last ?? 0);
  return last >= now ? last + 1n : now;
}

/** Inserts the rows of an order that the WMS writes: parcel and gift. */
export async function insertWmsRows(database: Connection, prefix: string, orderIds: readonly bigint[]): Promise<void> {
  const now = new Date();
  const ids = orderIds.map(String);
  await database.query(
    `insert into ${prefix}oms_db.oms_order_delivery_main (order_id, delivery_id, delivery_company, waybill_no) values ?`,
    [ids.map((id) => [id, "", "", ""])],
  );
  await database.query(
    `insert into ${prefix}wmsindb.oms_gift_cust_record (order_id, gift_status, update_date) values ?`,
    [ids.map((id) => [id, 0, now])],
  );
}

/** Inserts orders directly into the legacy tables and columns, as the old intake does. */
export async function insertOrders(database: Connection, prefix: string, orders: readonly Order[]): Promise<void> {
  const insert = async (table: string, columns: string, rows: readonly (readonly unknown[])[]) => {
    await database.query(`insert into ${prefix}${table} (${columns}) values ?`, [rows]);
  };
  const now = new Date();
  const ids = orders.map(({ id }) => String(id));
  await insert(
    "oms_db.oms_order_main",
    "order_id, parent_id, root_parent_id, is_parent, order_source, order_type, is_payed, is_refund, create_date",
    orders.map(({ id, source, type, isParent }) => [String(id), 0, String(id), isParent, source, type, 0, null, now]),
  );
  await insert(
    "oms_db.oms_order_status",
    "order_id, order_status, is_pause, is_finish, create_date, update_date",
    ids.map((id) => [id, 1000, 0, 0, now, now]),
  );
  await insert(
    "oms_db.oms_order_detail",
    "order_id, sku_id, quantity",
    orders.flatMap(({ id, lines }) => lines.map(({ skuId, quantity }) => [String(id), String(skuId), quantity])),
  );
  await insert(
    "oms_db.oms_order_invoice",
    "order_id, invoice_status, is_invoiced, invoice_type, invoice_title, invoice_content, invoice_email",
    ids.map((id) => [id, 0, 0, 0, `客户 ${id}`, "商品明细", `customer-${id}@example.com`]),
  );
  await insert(
    "oms_db.oms_order_delivery_main",
    "order_id, delivery_id, delivery_company, waybill_no",
    ids.map((id) => [id, "", "", ""]),
  );
  await insert(
    "wmsindb.oms_gift_cust_record",
    "order_id, gift_status, update_date",
    ids.map((id) => [id, 0, now]),
  );
}
