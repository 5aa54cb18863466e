import type { OrderEvent } from "../domain/events.ts";
import { FLOW_STEPS } from "../domain/flow.ts";
import { Status } from "../domain/state-machine.ts";
import { type Action, type ActionResult, type Attempt, DONE } from "../subscribers/action.ts";
import { begins, type FlowDeps, reportEnd, subjectsOf } from "./step.ts";

/**
 * APPROVED → ERP_ALLOCATED: the ERP sets the stock aside. Without stock it waits, and is tried again as long as it takes. Where the order is
 * cancelled meanwhile, the stock is given back.
 */
export function allocate(deps: FlowDeps): Action {
  const { operations, erp } = deps;

  const undo = ({ orderId }: OrderEvent, { messageId, signal }: Attempt): Promise<ActionResult> =>
    erp.release(`${messageId}:undo`, orderId, signal);

  return {
    name: "allocate",
    subjects: subjectsOf("allocate"),
    patient: true,
    asks: (event) => begins("allocate", event),
    async run(event, attempt) {
      const order = await operations.readFlowOrder(event.orderId);
      if (order === undefined) {
        return { kind: "reject", reason: `there is no order ${event.orderId}` };
      }
      if (order.status !== FLOW_STEPS.allocate.startsAt) {
        return order.status === Status.CANCELLED && attempt.mayHaveActed ? undo(event, attempt) : DONE;
      }
      // What has not begun is begun by the resume; what may have begun goes on to its end.
      if (order.paused && !attempt.mayHaveActed) {
        return DONE;
      }
      const allocated = await erp.allocate(attempt.messageId, order, attempt.signal);
      if (allocated.kind === "no-stock") {
        return { kind: "wait", reason: allocated.reason };
      }
      if (allocated.kind !== "done") {
        return allocated;
      }
      const reported = await reportEnd(deps, "allocate", event, attempt, true);
      return reported === "cancelled" ? undo(event, attempt) : DONE;
    },
  };
}
