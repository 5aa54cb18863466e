import type { OrderEvent } from "../../domain/events.ts";
import { type Action, type ActionResult, type Attempt, DONE } from "../../messaging/runner/action.ts";
import { type FlowDeps, findWork, reportStepDone, startsStep, subjectsOf } from "./step.ts";

/**
 * ERP_ALLOCATED → WMS_DISPATCHED: the WMS gets the order. It is parked with the WMS's reason when that refuses. Where the order was
 * cancelled meanwhile (past the reversal flow, which waits for this), the WMS is asked for it back, and then the ERP gets its stock
 * back: what the cancel itself released was with the WMS, and none of the ERP's to release.
 */
export function dispatch(deps: FlowDeps): Action {
  const { erp, wms } = deps;

  const undo = async ({ orderId }: OrderEvent, attempt: Attempt): Promise<ActionResult> => {
    const key = `${attempt.messageId}:undo`;
    const answer = await wms.cancel(key, { orderId, cancelId: 0n }, attempt);
    switch (answer.kind) {
      case "agreed":
        return erp.release(key, orderId, attempt);
      case "later":
        return {
          kind: "retry",
          reason: "the order is cancelled, and the WMS does not say yet whether it gives it back",
        };
      case "refused":
        return { kind: "reject", reason: `the order is cancelled, and the WMS keeps it: ${answer.reason}` };
      default:
        return answer;
    }
  };

  return {
    name: "dispatch",
    subjects: subjectsOf("dispatch"),
    retryForever: true,
    matches: (event) => startsStep("dispatch", event),
    async run(event, attempt) {
      const found = await findWork(deps, "dispatch", event, attempt);
      if (found.kind !== "go") {
        return found.kind === "undo" ? undo(event, attempt) : found.result;
      }
      const { orderId, lines } = found.order;
      const warehouseId = lines[0]?.warehouseId ?? 0n;
      const dispatched = await wms.dispatch(attempt.messageId, { orderId, warehouseId, lines }, attempt);
      if (dispatched.kind !== "done") {
        return dispatched;
      }
      const reported = await reportStepDone(deps, "dispatch", event, attempt, true);
      return reported === "cancelled" ? undo(event, attempt) : DONE;
    },
  };
}
