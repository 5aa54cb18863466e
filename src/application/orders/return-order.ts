import { type ReturnVerdict, returnVerdict, type Verdict } from "../../domain/verdicts.ts";
import { markReturned } from "../../store/orders/mark-returned.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";

/** Old operation 3, returnOrder: the refund mark, for an order that has left the warehouse. */
export async function returnOrder(
  { changes }: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<Verdict<ReturnVerdict>> {
  const order = await markReturned(changes, { orderId, cause: causeOf(context, operator) });
  if (order === undefined) {
    throw orderNotFound(orderId);
  }
  return returnVerdict(order);
}
