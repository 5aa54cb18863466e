import { type Action, DONE } from "../subscribers/action.ts";
import { begins, type FlowDeps, reportEnd, subjectsOf } from "./step.ts";

/** PAID → APPROVED: nobody has to be asked. On a paused order it ends; the resume begins it anew. */
export function approve(deps: FlowDeps): Action {
  return {
    name: "approve",
    subjects: subjectsOf("approve"),
    asks: (event) => begins("approve", event),
    async run(event, attempt) {
      await reportEnd(deps, "approve", event, attempt, false);
      return DONE;
    },
  };
}
