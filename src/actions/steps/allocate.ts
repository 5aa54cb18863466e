import type { OrderEvent } from "../../domain/events.ts";
import { type Action, type ActionResult, type Attempt, DONE } from "../../messaging/runner/action.ts";
import { type FlowDeps, findWork, reportStepDone, startsStep, subjectsOf } from "./step.ts";

/**
 * APPROVED → ERP_ALLOCATED: the ERP sets the stock aside. Without stock it waits, and is tried again as long as it takes. Where the order is
 * cancelled meanwhile, the stock is given back.
 */
export function allocate(deps: FlowDeps): Action {
  const { erp } = deps;

  const undo = ({ orderId }: OrderEvent, attempt: Attempt): Promise<ActionResult> =>
    erp.release(`${attempt.messageId}:undo`, orderId, attempt);

  return {
    name: "allocate",
    subjects: subjectsOf("allocate"),
    retryForever: true,
    matches: (event) => startsStep("allocate", event),
    async run(event, attempt) {
      const found = await findWork(deps, "allocate", event, attempt);
      if (found.kind !== "go") {
        return found.kind === "undo" ? undo(event, attempt) : found.result;
      }
      const allocated = await erp.allocate(attempt.messageId, found.order, attempt);
      if (allocated.kind === "no-stock") {
        return { kind: "wait", reason: allocated.reason };
      }
      if (allocated.kind !== "done") {
        return allocated;
      }
      const reported = await reportStepDone(deps, "allocate", event, attempt, true);
      return reported === "cancelled" ? undo(event, attempt) : DONE;
    },
  };
}
