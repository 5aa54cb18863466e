import type { FlowState } from "../domain/flow.ts";
import { retryStep } from "../store/changes/retry-flow.ts";
import { readFlowRow } from "../store/reads/flows.ts";
import type { OperationDeps } from "./deps.ts";
import { flowNotFound, positionOf } from "./order-flow.ts";

/** A person wants a step tried now that waits for its next try, or that was given up. */
export async function retryOrderFlow(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
): Promise<{ readonly state: FlowState }> {
  const row = await readFlowRow(deps.db, orderId);
  if (row === undefined) {
    throw flowNotFound(orderId);
  }
  const { step, state } = positionOf(deps, row);
  if ((state === "RETRYING" || state === "FAILED") && step !== "" && step !== "payment") {
    await retryStep(deps.db, orderId, step);
  }
  const after = await readFlowRow(deps.db, orderId);
  return { state: positionOf(deps, after ?? row).state };
}
