import type { ReturnVerdict } from "../../domain/verdicts.ts";
import { type ReturnRequest, requestReturn as request } from "../../store/orders/request-return.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { invalidField, orderNotFound } from "../errors.ts";
import { requestIdReused } from "../orders/report-result.ts";

export type RequestReturnInput = Omit<ReturnRequest, "cause"> & { readonly operator: string };

/** Old process_flag 105: goods come back, not more than was shipped. */
export async function requestReturn(
  { changes }: OperationDeps,
  { operator, ...input }: RequestReturnInput,
  context: CallContext,
): Promise<{ readonly returnId: bigint; readonly verdict: ReturnVerdict }> {
  const result = await request(changes, { ...input, cause: causeOf(context, operator) });
  if (result === undefined) {
    throw orderNotFound(input.orderId);
  }
  if (result === "request-id-reused") {
    throw requestIdReused(input.requestId);
  }
  if (result.kind === "too-many") {
    const { index, shipped, returned } = result;
    const line = input.lines[index];
    throw invalidField(
      `lines[${index}].quantity`,
      `must be at most ${Math.max(shipped - returned, 0)} for sku_id ${line?.skuId} (${shipped} shipped, ${returned} returned before), was ${line?.quantity}`,
    );
  }
  return result;
}
