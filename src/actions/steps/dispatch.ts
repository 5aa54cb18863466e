import { requestTakeBack } from "../../application/reversal/request-cancel.ts";
import type { OrderEvent } from "../../domain/events.ts";
import { createWms } from "../../integrations/wms.ts";
import { type ActionHandler, type ActionResult, type Attempt, DONE } from "../../messaging/runner/action.ts";
import { callContext, type FlowDeps, FORWARD_FLOW, findTask, reportStepDone } from "./step.ts";

/**
 * ERP_ALLOCATED → WMS_DISPATCHED: the WMS receives the order. A refusal parks it with the WMS's
 * reason. Where the order was cancelled meanwhile (past the reversal flow, which waits for this
 * step), the goods are requested back from the WMS, and this step ends: it must not wait for an
 * answer, as the question waits for its end.
 */
export function dispatch({ operations, systems }: FlowDeps): ActionHandler {
  const wms = createWms(systems.wms);

  const undo = async (event: OrderEvent, attempt: Attempt): Promise<ActionResult> => {
    const { orderId } = event;
    await requestTakeBack(operations, { orderId, operator: "dispatch" }, callContext(FORWARD_FLOW, event, attempt));
    return DONE;
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
