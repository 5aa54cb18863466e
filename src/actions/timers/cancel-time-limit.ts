import { closeCancel } from "../../application/reversal/close-cancel.ts";
import { WMS_TIME_LIMIT } from "../../domain/flow.ts";
import { NO_WMS_ANSWER } from "../../domain/reversal.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import { isWmsCancelRequest } from "../steps/ask-wms.ts";
import { contextOf, type FlowDeps, REVERSAL_FLOW } from "../steps/step.ts";

/** A timer: without the WMS's answer in time the cancel is refused, and the order goes on. */
export function cancelTimeLimit({ operations }: FlowDeps): Action {
  return {
    name: WMS_TIME_LIMIT,
    subjects: [],
    matches: isWmsCancelRequest,
    due: (event) => (isWmsCancelRequest(event) ? event.answerUntil : event.recordTime),
    async run(event, attempt) {
      if (isWmsCancelRequest(event)) {
        const { orderId, cancelId } = event;
        const answer = { orderId, cancelId, agreed: false, reason: NO_WMS_ANSWER, operator: WMS_TIME_LIMIT };
        await closeCancel(operations, answer, contextOf(REVERSAL_FLOW, event, attempt));
      }
      return DONE;
    },
  };
}
