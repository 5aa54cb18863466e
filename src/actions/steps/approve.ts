import { FLOW_STEPS } from "../../domain/flow.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { type FlowDeps, reportStepDone } from "./step.ts";

/**
 * PAID → APPROVED, without asking any system. On a paused order it ends; the resume starts it
 * again.
 */
export function approve({ operations }: FlowDeps): ActionHandler {
  return async (event, attempt) => {
    // The step that the payment started may have approved the order by now, as a resume can arrive
    // first.
    const late = event.type === "pause-changed" || attempt.number > 1;
    if (late && (await operations.readFlowOrder(event.orderId))?.status !== FLOW_STEPS.approve.startsAt) {
      return DONE;
    }
    await reportStepDone({ operations }, "approve", event, attempt, false);
    return DONE;
  };
}
