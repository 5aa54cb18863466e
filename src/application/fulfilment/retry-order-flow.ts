import type { FlowState } from "../../domain/flow.ts";
import { retryStep } from "../../store/orders/retry-flow.ts";
import { readFlowRow } from "../../store/reads/flows.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { flowNotFound, flowStatusOf } from "./order-flow.ts";

/** A person wants a step tried now that waits for its next try, or that was given up. */
export async function retryOrderFlow(
  deps: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  { caller }: Pick<CallContext, "caller">,
): Promise<{ readonly state: FlowState }> {
  const row = await readFlowRow(deps.db, orderId);
  if (row === undefined) {
    throw flowNotFound(orderId);
  }
  const { step, state } = flowStatusOf(deps, row);
  if ((state === "RETRYING" || state === "FAILED") && step !== "" && step !== "payment") {
    await retryStep(deps.changes, orderId, step, { caller, operator });
  }
  const after = await readFlowRow(deps.db, orderId);
  return { state: flowStatusOf(deps, after ?? row).state };
}
