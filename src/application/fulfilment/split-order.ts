import { type SplitResult, splitOrder as split } from "../../store/orders/split-order.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";

/** Splits an order by its warehouses, once; for the forward flow's step. */
export function splitOrder(
  { changes, kinds }: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<SplitResult> {
  return split(changes, kinds, { orderId, cause: causeOf(context, operator) });
}
