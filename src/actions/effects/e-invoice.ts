import type { ActionHandler } from "../../messaging/runner/action.ts";
import { readInvoice } from "../../store/reads/goods.ts";
import type { EffectDeps } from "./deps.ts";

/**
 * Sends an order's invoice to the e-invoice mail service. Once-only by the ledger's claim; the
 * message id is the idempotency key. The invoice is read here, as it is personal data that no event
 * carries; an order without one is sent with empty fields.
 */
export function eInvoice({ db, systems }: Pick<EffectDeps, "db" | "systems">): ActionHandler {
  return async ({ orderId }, attempt) => {
    const { messageId } = attempt;
    const invoice = await readInvoice(db, orderId);
    const body = {
      messageId,
      orderId: String(orderId),
      invoiceEmail: invoice?.email ?? "",
      invoiceTitle: invoice?.title ?? "",
      invoiceContent: invoice?.content ?? "",
      taxCode: invoice?.taxPayerCode ?? "",
    };
    const { outcome } = await systems.einvoice.send(messageId, body, attempt);
    return outcome;
  };
}
