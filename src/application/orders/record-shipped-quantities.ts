import { recordShipped, type ShippedReport } from "../../store/orders/record-shipped.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";
import { requestIdReused } from "./report-result.ts";

export type RecordShippedQuantitiesInput = Omit<ShippedReport, "cause"> & { readonly operator: string };

/** Old operation 15, recordSkuDeliveryNum: what was really shipped; settlement uses it in place of what was ordered. */
export async function recordShippedQuantities(
  { changes }: OperationDeps,
  { operator, ...report }: RecordShippedQuantitiesInput,
  context: CallContext,
): Promise<{ readonly recordedCount: number }> {
  const result = await recordShipped(changes, { ...report, cause: causeOf(context, operator) });
  if (result === undefined) {
    throw orderNotFound(report.orderId);
  }
  if (result === "request-id-reused") {
    throw requestIdReused(report.requestId);
  }
  return result;
}
