import type { OrderKinds } from "../../domain/order-kinds.ts";
import { Status } from "../../domain/state-machine.ts";
import type { ExternalClient } from "../../integrations/external-client.ts";
import type { Action } from "../../messaging/runner/action.ts";
import type { OrderDatabase } from "../../store/mysql/database.ts";
import { readInvoice } from "../../store/reads/goods.ts";

/**
 * E-invoice: mailed when a recharge-card order is delivered, and when an invoice is printed with mailing (old operation 13). Once-only
 * by the ledger's claim; the message id goes along as idempotency key. The invoice is read now, as it is personal data that no event
 * carries; an order without one is sent with empty fields, for the mail service to judge.
 */
export function eInvoice({
  db,
  kinds,
  einvoice,
}: {
  readonly db: OrderDatabase;
  readonly kinds: OrderKinds;
  readonly einvoice: ExternalClient;
}): Action {
  return {
    name: "e-invoice",
    subjects: [`oms.v1.order.status.${Status.DELIVERED}`, "oms.v1.order.invoice.printed"],
    matches: (event) =>
      event.type === "invoice-printed"
        ? event.sendEmail
        : event.type === "status-changed" &&
          event.toStatus === Status.DELIVERED &&
          kinds.rechargeCardTypes.includes(event.orderType),
    async run({ orderId }, attempt) {
      const { messageId } = attempt;
      const invoice = await readInvoice(db, orderId);
      return einvoice.post(
        messageId,
        {
          messageId,
          orderId: String(orderId),
          invoiceEmail: invoice?.email ?? "",
          invoiceTitle: invoice?.title ?? "",
          invoiceContent: invoice?.content ?? "",
          taxCode: invoice?.taxPayerCode ?? "",
        },
        attempt,
      );
    },
  };
}
