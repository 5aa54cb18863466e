import { splitOrder } from "../../application/fulfilment/split-order.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { callContext, type FlowDeps, FORWARD_FLOW } from "./step.ts";

/**
 * APPROVED → SPLIT where the goods are in several warehouses: one child order each, which continue
 * from APPROVED.
 */
export function split({ operations }: FlowDeps): ActionHandler {
  return async (event, attempt) => {
    const { orderId } = event;
    await splitOrder(operations, { orderId, operator: "split" }, callContext(FORWARD_FLOW, event, attempt));
    return DONE;
  };
}
