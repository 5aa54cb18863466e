import { splitOrder } from "../../application/fulfilment/split-order.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import { contextOf, type FlowDeps, FORWARD_FLOW, startsStep, subjectsOf } from "./step.ts";

/** APPROVED → SPLIT, where the goods are in several warehouses: a child order for each, which goes on from APPROVED. */
export function split({ operations }: FlowDeps): Action {
  return {
    name: "split",
    subjects: subjectsOf("split"),
    matches: (event) => startsStep("split", event),
    async run(event, attempt) {
      const { orderId } = event;
      await splitOrder(operations, { orderId, operator: "split" }, contextOf(FORWARD_FLOW, event, attempt));
      return DONE;
    },
  };
}
