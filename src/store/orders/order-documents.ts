import type { CompiledQuery, Kysely } from "kysely";
import { idList } from "../mysql/literals.ts";
import { type Read, readOf } from "../mysql/read.ts";
import type { Invoice } from "../reads/goods.ts";
import type { Database } from "../schema.ts";

/** The legacy system's values for a printed electronic invoice. */
const PRINTED = { invoice_status: 1, is_invoiced: 1, invoice_type: 3 } as const;

/** The contents of an order's invoice: title, content, tax payer code, email. */
export type InvoiceContents = readonly [string | null, string | null, string | null, string | null];

/** The contents of the orders' invoices, by order. */
export function invoiceContents(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
): Read<ReadonlyMap<bigint, InvoiceContents>> {
  const query = db
    .selectFrom("oms_db.oms_order_invoice")
    .select(["order_id", "invoice_title", "invoice_content", "invoice_tax_payer_code", "invoice_email"])
    .where("order_id", "in", idList(orderIds))
    .orderBy("order_id");
  return readOf(
    query.compile(),
    (rows) =>
      new Map(
        rows.map((row) => [
          row.order_id,
          [row.invoice_title, row.invoice_content, row.invoice_tax_payer_code, row.invoice_email],
        ]),
      ),
  );
}

/** The contents after `markInvoices`: a field of `fields` that is "" keeps its value. */
export function updatedContents(before: InvoiceContents, fields: Invoice): InvoiceContents {
  const [title, content, taxPayerCode, email] = before;
  return [fields.title || title, fields.content || content, fields.taxPayerCode || taxPayerCode, fields.email || email];
}

/** Marks the orders' invoices as printed; a field of `fields` that is "" keeps its value. */
export function markInvoices(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  { title, content, taxPayerCode, email }: Invoice,
): CompiledQuery {
  return db
    .updateTable("oms_db.oms_order_invoice")
    .set({
      ...PRINTED,
      ...(title === "" ? {} : { invoice_title: title }),
      ...(content === "" ? {} : { invoice_content: content }),
      ...(taxPayerCode === "" ? {} : { invoice_tax_payer_code: taxPayerCode }),
      ...(email === "" ? {} : { invoice_email: email }),
    })
    .where("order_id", "in", idList(orderIds))
    .compile();
}

/** An order's parcel. */
export interface DeliveryFields {
  readonly deliveryId: string;
  readonly deliveryCompany: string;
  readonly waybillNo: string;
}

/** An order's parcel as it is recorded. */
export type RecordedDelivery = Omit<DeliveryFields, "deliveryCompany"> & { readonly deliveryCompany: string | null };

/** The order's parcel; undefined for none. Numbers of legacy columns are converted to text. */
export function recordedDelivery(db: Kysely<Database>, orderId: bigint): Read<RecordedDelivery | undefined> {
  const query = db
    .selectFrom("oms_db.oms_order_delivery_main")
    .select(["delivery_id", "delivery_company", "waybill_no"])
    .where("order_id", "=", orderId);
  return readOf(
    query.compile(),
    ([row]) =>
      row && {
        deliveryId: String(row.delivery_id),
        deliveryCompany: row.delivery_company,
        waybillNo: String(row.waybill_no),
      },
  );
}

/** Writes the order's parcel. */
export function writeDelivery(
  db: Kysely<Database>,
  orderId: bigint,
  { deliveryId, deliveryCompany, waybillNo }: DeliveryFields,
  mode: "insert" | "update",
): CompiledQuery {
  const values = { delivery_id: deliveryId, delivery_company: deliveryCompany, waybill_no: waybillNo };
  return mode === "insert"
    ? db
        .insertInto("oms_db.oms_order_delivery_main")
        .values({ order_id: orderId, ...values })
        .compile()
    : db.updateTable("oms_db.oms_order_delivery_main").set(values).where("order_id", "=", orderId).compile();
}
