import { isVirtual } from "../../domain/order-kinds.ts";
import { type Submission, submitOrder as submit } from "../../store/orders/submit-order.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { invalidField, OperationError } from "../errors.ts";
import { requestIdReused } from "../orders/report-result.ts";

export type SubmitOrderInput = Omit<Submission, "cause"> & { readonly operator: string };

/** Takes an order in: it waits for its payment, and the forward flow moves it from there. */
export async function submitOrder(
  { changes, kinds }: OperationDeps,
  { operator, ...submission }: SubmitOrderInput,
  context: CallContext,
): Promise<{ readonly orderId: bigint }> {
  if (isVirtual(kinds, submission)) {
    if (submission.rechargeAccount === "") {
      throw invalidField(
        "recharge_account",
        `must be given for order_type ${submission.orderType}, a recharge; was ""`,
      );
    }
  } else {
    const at = submission.lines.findIndex(({ warehouseId }) => warehouseId === 0n);
    if (at !== -1) {
      throw invalidField(`lines[${at}].warehouse_id`, "must be greater than 0 for goods that are shipped, was 0");
    }
  }
  const result = await submit(changes, kinds, { ...submission, cause: causeOf(context, operator) });
  if (result === "request-id-reused") {
    throw requestIdReused(submission.requestId);
  }
  if (result === "order-exists") {
    const metadata = { order_id: String(submission.orderId) };
    throw new OperationError("order-exists", `there is an order ${submission.orderId} already`, { metadata });
  }
  return result;
}
