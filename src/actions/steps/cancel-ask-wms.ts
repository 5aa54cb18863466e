import { closeCancel, isDispatchInProgress, isWaitingForWms } from "../../application/reversal/close-cancel.ts";
import { ASK_WMS } from "../../domain/flow.ts";
import { type CancelAnswer, NO_ANSWER } from "../../domain/reversal.ts";
import { Status } from "../../domain/state-machine.ts";
import { createWms } from "../../integrations/wms.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { isWmsCancelRequest } from "../triggers.ts";
import { callContext, type FlowDeps, REVERSAL_FLOW } from "./step.ts";
import { waitFor } from "./wait.ts";

/** Interval between checks whether the dispatch in progress has ended, in milliseconds. */
const DISPATCH_POLL_MS = 250;

/**
 * Asks the WMS whether it returns an order (legacy process_flag 60). A dispatch in progress ends
 * first: otherwise the WMS would agree to return what it does not have yet. Once asked, the WMS is
 * asked until it answers, beyond the time limit too, as it may have carried the cancel out.
 */
export function cancelAskWms({ operations, systems }: FlowDeps): ActionHandler {
  const wms = createWms(systems.wms);
  return async (event, attempt) => {
    if (!isWmsCancelRequest(event)) {
      return DONE;
    }
    const { orderId, cancelId } = event;
    const close = (answer: CancelAnswer) => {
      const context = callContext(REVERSAL_FLOW, event, attempt);
      return closeCancel(operations, { orderId, cancelId, answer, operator: ASK_WMS }, context);
    };
    const isAsked = attempt.mayHaveSideEffects;
    // After the time limit, the timer closes the request.
    if (!isAsked && (event.answerUntil <= operations.now() || !(await isWaitingForWms(operations, cancelId)))) {
      return DONE;
    }
    if (await isDispatchInProgress(operations, orderId)) {
      const order = await operations.readFlowOrder(orderId);
      if (!isAsked && !event.takeBack && order?.status === Status.CANCELLED) {
        // The dispatch requests a take-back when it ends.
        await close(NO_ANSWER);
        return DONE;
      }
      const why = "it ends before the WMS is asked to return the order";
      const at = new Date(operations.now().getTime() + DISPATCH_POLL_MS);
      return waitFor(ASK_WMS, "dispatch", { why, at }, attempt);
    }
    const answer = await wms.cancel(attempt.messageId, { orderId, cancelId }, attempt);
    switch (answer.kind) {
      case "agreed":
      case "refused":
        await close(answer.kind === "agreed" ? { kind: "agreed", reason: "" } : answer);
        return DONE;
      case "later":
        return DONE;
      default:
        return answer;
    }
  };
}
