import { type InvoiceMark, markInvoicesPrinted as markInvoices } from "../../store/orders/mark-invoices-printed.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";

export type MarkInvoicesPrintedInput = Omit<InvoiceMark, "cause">;

/** Old operation 13, updateOrderInvoiceStatus: marks invoices as printed, and has them mailed if asked. It names no operator. */
export function markInvoicesPrinted(
  { changes }: OperationDeps,
  input: MarkInvoicesPrintedInput,
  context: CallContext,
): Promise<{ readonly updatedCount: number; readonly missingOrderIds: bigint[] }> {
  return markInvoices(changes, { ...input, cause: causeOf(context, "") });
}
