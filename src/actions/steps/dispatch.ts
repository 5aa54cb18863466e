import type { OrderEvent } from "../../domain/events.ts";
import { createErp } from "../../integrations/erp.ts";
import { createWms } from "../../integrations/wms.ts";
import { type ActionHandler, type ActionResult, type Attempt, DONE } from "../../messaging/runner/action.ts";
import { type FlowDeps, findTask, reportStepDone } from "./step.ts";

/**
 * ERP_ALLOCATED → WMS_DISPATCHED: the WMS receives the order. A refusal parks it with the WMS's
 * reason. Where the order was cancelled meanwhile (past the reversal flow, which waits for this
 * step), the WMS is asked for it back, and then the ERP releases the stock: at the cancel itself
 * the stock was with the WMS, and the ERP had none to release.
 */
export function dispatch({ operations, systems }: FlowDeps): ActionHandler {
  const erp = createErp(systems.erp);
  const wms = createWms(systems.wms);

  const undo = async ({ orderId }: OrderEvent, attempt: Attempt): Promise<ActionResult> => {
    const key = `${attempt.messageId}:undo`;
    const answer = await wms.cancel(key, { orderId, cancelId: 0n }, attempt);
    switch (answer.kind) {
      case "agreed":
        return erp.release(key, orderId, attempt);
      case "later":
        return {
          kind: "retry",
          reason: "the order is cancelled, and the WMS has not decided yet whether to return it",
        };
      case "refused":
        return { kind: "reject", reason: `the order is cancelled, and the WMS keeps it: ${answer.reason}` };
      default:
        return answer;
    }
  };

  return async (event, attempt) => {
    const task = await findTask({ operations }, "dispatch", event, attempt);
    if (task.kind !== "run") {
      return task.kind === "undo" ? undo(event, attempt) : task.result;
    }
    const { orderId, lines } = task.order;
    const warehouseId = lines[0]?.warehouseId ?? 0n;
    const outcome = await wms.dispatch(attempt.messageId, { orderId, warehouseId, lines }, attempt);
    if (outcome.kind !== "done") {
      return outcome;
    }
    const report = await reportStepDone({ operations }, "dispatch", event, attempt, true);
    return report === "cancelled" ? undo(event, attempt) : DONE;
  };
}
