import type { AcceptedReport } from "../../store/commit/types.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { type UpdateOrderStatusInput, updateOrderStatus } from "./update-order-status.ts";

/**
 * Reports for many orders at once, several for one order in turn. Each settles alone.
 *
 * @param inputs each gives a report, or throws what is wrong with it
 * @returns in the order of the inputs
 */
export function batchUpdateOrderStatus(
  deps: OperationDeps,
  inputs: readonly (() => UpdateOrderStatusInput)[],
  context: CallContext,
): Promise<PromiseSettledResult<AcceptedReport>[]> {
  return Promise.allSettled(inputs.map(async (input) => updateOrderStatus(deps, input(), context)));
}
