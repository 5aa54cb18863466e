import { isDispatchInProgress } from "../../application/orders/dispatch-under-way.ts";
import { closeCancel } from "../../application/reversal/close-cancel.ts";
import type { CancelProgressed, OrderEvent } from "../../domain/events.ts";
import { ASK_WMS } from "../../domain/flow.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import { contextOf, type FlowDeps, REVERSAL_FLOW } from "./step.ts";

/** How soon to look again whether the dispatch under way has ended, in milliseconds. */
const LOOK_AGAIN_MS = 250;

/** A cancel request that the WMS has to decide. */
export function isWmsCancelRequest(event: OrderEvent): event is CancelProgressed & { readonly answerUntil: Date } {
  return event.type === "cancel-progressed" && event.step === "requested" && event.answerUntil !== undefined;
}

/**
 * Asks the WMS whether it gives an order back (old process_flag 60). A dispatch that is under way ends first: asked before it, the WMS
 * would give back what it does not have yet.
 */
export function askWms({ operations, wms }: FlowDeps): Action {
  return {
    name: ASK_WMS,
    subjects: ["oms.v1.cancel.requested"],
    matches: isWmsCancelRequest,
    async run(event, attempt) {
      if (!isWmsCancelRequest(event)) {
        return DONE;
      }
      const { orderId, cancelId, answerUntil } = event;
      if (answerUntil <= operations.now()) {
        // The time limit ends it.
        return DONE;
      }
      if (await isDispatchInProgress(operations, orderId)) {
        return {
          kind: "wait",
          reason: "the dispatch under way ends first",
          at: new Date(operations.now().getTime() + LOOK_AGAIN_MS),
        };
      }
      const answer = await wms.cancel(attempt.messageId, { orderId, cancelId }, attempt);
      if (answer.kind === "later") {
        return DONE;
      }
      if (answer.kind === "retry" || answer.kind === "reject") {
        return answer;
      }
      const agreed = answer.kind === "agreed";
      const reason = agreed ? "" : answer.reason;
      const context = contextOf(REVERSAL_FLOW, event, attempt);
      await closeCancel(operations, { orderId, cancelId, agreed, reason, operator: ASK_WMS }, context);
      return DONE;
    },
  };
}
