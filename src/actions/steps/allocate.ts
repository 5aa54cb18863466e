import type { OrderEvent } from "../../domain/events.ts";
import { createErp } from "../../integrations/erp.ts";
import { type ActionHandler, type ActionResult, type Attempt, DONE } from "../../messaging/runner/action.ts";
import { type FlowDeps, findTask, reportStepDone } from "./step.ts";

/**
 * APPROVED → ERP_ALLOCATED: the ERP reserves the stock. Without stock it waits, and is repeated
 * without limit. Where the order is cancelled meanwhile, the stock is released.
 */
export function allocate({ operations, systems }: FlowDeps): ActionHandler {
  const erp = createErp(systems.erp);

  const undo = ({ orderId }: OrderEvent, attempt: Attempt): Promise<ActionResult> =>
    erp.release(`${attempt.messageId}:undo`, orderId, attempt);

  return async (event, attempt) => {
    const task = await findTask({ operations }, "allocate", event, attempt);
    if (task.kind !== "run") {
      return task.kind === "undo" ? undo(event, attempt) : task.result;
    }
    const allocated = await erp.allocate(attempt.messageId, task.order, attempt);
    if (allocated.kind === "no-stock") {
      return { kind: "wait", reason: allocated.reason };
    }
    if (allocated.kind !== "done") {
      return allocated;
    }
    const report = await reportStepDone({ operations }, "allocate", event, attempt, true);
    return report === "cancelled" ? undo(event, attempt) : DONE;
  };
}
