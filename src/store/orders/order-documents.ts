import type { Transaction } from "kysely";
import type { Invoice } from "../reads/goods.ts";
import type { Database } from "../schema.ts";

export async function insertInvoice(
  trx: Transaction<Database>,
  orderId: bigint,
  { title, content, taxPayerCode, email }: Invoice,
): Promise<void> {
  await trx
    .insertInto("oms_db.oms_order_invoice")
    .values({
      order_id: orderId,
      invoice_title: title,
      invoice_content: content,
      invoice_tax_payer_code: taxPayerCode,
      invoice_email: email,
    })
    .execute();
}

/** The legacy system's values for a printed electronic invoice. */
const PRINTED = { invoice_status: 1, is_invoiced: 1, invoice_type: 3 } as const;

/**
 * Marks the orders' invoices as printed; a field of `fields` that is "" keeps its value.
 *
 * @returns the contents of each marked invoice, by order
 */
export async function markInvoices(
  trx: Transaction<Database>,
  orderIds: readonly bigint[],
  { title, content, taxPayerCode, email }: Invoice,
): Promise<Map<bigint, readonly (string | null)[]>> {
  if (orderIds.length === 0) {
    return new Map();
  }
  await trx
    .updateTable("oms_db.oms_order_invoice")
    .set({
      ...PRINTED,
      ...(title === "" ? {} : { invoice_title: title }),
      ...(content === "" ? {} : { invoice_content: content }),
      ...(taxPayerCode === "" ? {} : { invoice_tax_payer_code: taxPayerCode }),
      ...(email === "" ? {} : { invoice_email: email }),
    })
    .where("order_id", "in", orderIds)
    .execute();
  const rows = await trx
    .selectFrom("oms_db.oms_order_invoice")
    .select(["order_id", "invoice_title", "invoice_content", "invoice_tax_payer_code", "invoice_email"])
    .where("order_id", "in", orderIds)
    .orderBy("order_id")
    .execute();
  return new Map(
    rows.map((row) => [
      row.order_id,
      [row.invoice_title, row.invoice_content, row.invoice_tax_payer_code, row.invoice_email],
    ]),
  );
}

/** An order's parcel. */
export interface DeliveryFields {
  readonly deliveryId: string;
  readonly deliveryCompany: string;
  readonly waybillNo: string;
}

/** The order's parcel; undefined for none. Numbers of legacy columns are converted to text. */
export async function readDelivery(
  trx: Transaction<Database>,
  orderId: bigint,
): Promise<(Omit<DeliveryFields, "deliveryCompany"> & { readonly deliveryCompany: string | null }) | undefined> {
  const row = await trx
    .selectFrom("oms_db.oms_order_delivery_main")
    .select(["delivery_id", "delivery_company", "waybill_no"])
    .where("order_id", "=", orderId)
    .executeTakeFirst();
  return (
    row && {
      deliveryId: String(row.delivery_id),
      deliveryCompany: row.delivery_company,
      waybillNo: String(row.waybill_no),
    }
  );
}

export async function writeDelivery(
  trx: Transaction<Database>,
  orderId: bigint,
  { deliveryId, deliveryCompany, waybillNo }: DeliveryFields,
  mode: "insert" | "update",
): Promise<void> {
  const values = { delivery_id: deliveryId, delivery_company: deliveryCompany, waybill_no: waybillNo };
  if (mode === "insert") {
    await trx
      .insertInto("oms_db.oms_order_delivery_main")
      .values({ order_id: orderId, ...values })
      .execute();
  } else {
    await trx.updateTable("oms_db.oms_order_delivery_main").set(values).where("order_id", "=", orderId).execute();
  }
}
