import { closeCancel } from "../../application/reversal/close-cancel.ts";
import { WMS_TIME_LIMIT } from "../../domain/flow.ts";
import { NO_WMS_ANSWER } from "../../domain/reversal.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { callContext, type FlowDeps, REVERSAL_FLOW } from "../steps/step.ts";
import { isWmsCancelRequest } from "../triggers.ts";

/** Refuses a cancel that the WMS did not answer in time; the order continues. */
export function cancelTimeLimit({ operations }: FlowDeps): ActionHandler {
  return async (event, attempt) => {
    if (isWmsCancelRequest(event)) {
      const { orderId, cancelId } = event;
      const answer = { orderId, cancelId, agreed: false, reason: NO_WMS_ANSWER, operator: WMS_TIME_LIMIT };
      await closeCancel(operations, answer, callContext(REVERSAL_FLOW, event, attempt));
    }
    return DONE;
  };
}
