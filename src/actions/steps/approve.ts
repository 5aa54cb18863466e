import { FLOW_STEPS } from "../../domain/flow.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import { type FlowDeps, reportStepDone, startsStep, subjectsOf } from "./step.ts";

/** PAID → APPROVED: nobody has to be asked. On a paused order it ends; the resume begins it anew. */
export function approve(deps: FlowDeps): Action {
  return {
    name: "approve",
    subjects: subjectsOf("approve"),
    matches: (event) => startsStep("approve", event),
    async run(event, attempt) {
      // A resume may come before the step that the payment began has looked at the order.
      const late = event.type === "pause-changed" || attempt.number > 1;
      if (late && (await deps.operations.readFlowOrder(event.orderId))?.status !== FLOW_STEPS.approve.startsAt) {
        return DONE;
      }
      await reportStepDone(deps, "approve", event, attempt, false);
      return DONE;
    },
  };
}
