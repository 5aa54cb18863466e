import type { Transaction } from "kysely";
import type { InvoicePrinted } from "../../domain/events.ts";
import type { Cause } from "../commit/types.ts";
import { digest } from "../mysql/digest.ts";
import { eventContext } from "../outbox/event-context.ts";
import type { Database } from "../schema.ts";
import { commitChange, lockOrders } from "./change.ts";
import { toSummary } from "./order-row.ts";
import type { ChangeDeps } from "./types.ts";

export interface InvoiceMark {
  readonly orderIds: readonly bigint[];
  /** Each of the four: "" keeps what the invoice has. */
  readonly invoiceTitle: string;
  readonly invoiceContent: string;
  readonly taxPayerCode: string;
  readonly invoiceEmail: string;
  readonly sendEmail: boolean;
  readonly cause: Cause;
}

/** What the old system calls a printed electronic invoice. */
const PRINTED = { invoice_status: 1, is_invoiced: 1, invoice_type: 3 } as const;

/**
 * Old operation 13, updateOrderInvoiceStatus. The event of an invoice is named after what the invoice says then: the same again is
 * the same event, and mailed once. Orders without an invoice are missing, ascending.
 */
export function markInvoicesPrinted(
  deps: ChangeDeps,
  mark: InvoiceMark,
): Promise<{ readonly updatedCount: number; readonly missingOrderIds: bigint[] }> {
  const orderIds = [...new Set(mark.orderIds)].toSorted((a, b) => (a < b ? -1 : 1));
  return commitChange(deps, async (trx, now) => {
    const orders = new Map((await lockOrders(trx, orderIds)).map((row) => [row.order_id, toSummary(row)]));
    const contents = await markRows(trx, [...orders.keys()], mark);
    const events = [...contents].map(([orderId, content]): InvoicePrinted => {
      const order = orders.get(orderId);
      if (order === undefined) {
        throw new Error(`the invoice of order ${orderId} was read without its order`);
      }
      const messageId = `${orderId}-invoice-${digest([...content, mark.sendEmail]).toString("hex")}`;
      const context = eventContext(order, messageId, mark.cause, now);
      return { type: "invoice-printed", ...context, sendEmail: mark.sendEmail };
    });
    const missingOrderIds = orderIds.filter((id) => !contents.has(id));
    return { result: { updatedCount: contents.size, missingOrderIds }, events };
  });
}

/** Marks the invoices that there are, and says what each of them says now, by order. */
async function markRows(
  trx: Transaction<Database>,
  orderIds: readonly bigint[],
  { invoiceTitle, invoiceContent, taxPayerCode, invoiceEmail }: InvoiceMark,
): Promise<Map<bigint, readonly (string | null)[]>> {
  if (orderIds.length === 0) {
    return new Map();
  }
  await trx
    .updateTable("oms_db.oms_order_invoice")
    .set({
      ...PRINTED,
      ...(invoiceTitle === "" ? {} : { invoice_title: invoiceTitle }),
      ...(invoiceContent === "" ? {} : { invoice_content: invoiceContent }),
      ...(taxPayerCode === "" ? {} : { invoice_tax_payer_code: taxPayerCode }),
      ...(invoiceEmail === "" ? {} : { invoice_email: invoiceEmail }),
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
