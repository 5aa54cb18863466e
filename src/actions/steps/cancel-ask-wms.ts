import { closeCancel, isDispatchInProgress } from "../../application/reversal/close-cancel.ts";
import { ASK_WMS } from "../../domain/flow.ts";
import { createWms } from "../../integrations/wms.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { isWmsCancelRequest } from "../triggers.ts";
import { callContext, type FlowDeps, REVERSAL_FLOW } from "./step.ts";

/** Interval between checks whether the dispatch under way has ended, in milliseconds. */
const DISPATCH_POLL_MS = 250;

/**
 * Asks the WMS whether it returns an order (legacy process_flag 60). A dispatch under way ends
 * first: otherwise the WMS would agree to return what it does not have yet.
 */
export function cancelAskWms({ operations, systems }: FlowDeps): ActionHandler {
  const wms = createWms(systems.wms);
  return async (event, attempt) => {
    // After the time limit, the timer closes the cancel.
    if (!isWmsCancelRequest(event) || event.answerUntil <= operations.now()) {
      return DONE;
    }
    const { orderId, cancelId } = event;
    if (await isDispatchInProgress(operations, orderId)) {
      const at = new Date(operations.now().getTime() + DISPATCH_POLL_MS);
      return { kind: "wait", reason: "the dispatch under way ends first", at };
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
    const context = callContext(REVERSAL_FLOW, event, attempt);
    await closeCancel(operations, { orderId, cancelId, agreed, reason, operator: ASK_WMS }, context);
    return DONE;
  };
}
