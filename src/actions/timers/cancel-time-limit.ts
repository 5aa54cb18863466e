import { closeCancel, isWaitingForWms, mayHaveReachedWms } from "../../application/reversal/close-cancel.ts";
import { ASK_WMS, WMS_TIME_LIMIT } from "../../domain/flow.ts";
import { NO_ANSWER } from "../../domain/reversal.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { callContext, type FlowDeps, REVERSAL_FLOW } from "../steps/step.ts";
import { waitFor } from "../steps/wait.ts";
import { isWmsCancelRequest } from "../triggers.ts";

/**
 * Refuses a cancel that the WMS did not decide in time; the order continues. A cancel that the WMS
 * may have carried out stays open until it answers or a person decides.
 */
export function cancelTimeLimit({ operations }: FlowDeps): ActionHandler {
  return async (event, attempt) => {
    if (!isWmsCancelRequest(event)) {
      return DONE;
    }
    const { orderId, cancelId } = event;
    if (!(await isWaitingForWms(operations, cancelId))) {
      return DONE;
    }
    if (await mayHaveReachedWms(operations, attempt.messageId)) {
      const why = "the WMS may have carried out the cancel, and its answer is missing";
      return waitFor(WMS_TIME_LIMIT, ASK_WMS, { why }, attempt);
    }
    const answer = { orderId, cancelId, answer: NO_ANSWER, operator: WMS_TIME_LIMIT };
    await closeCancel(operations, answer, callContext(REVERSAL_FLOW, event, attempt));
    return DONE;
  };
}
