import { causeOf } from "../../application/context.ts";
import { OperationError } from "../../application/errors.ts";
import { updateOrderStatus } from "../../application/orders/update-order-status.ts";
import { PAYMENT_TIMEOUT } from "../../domain/flow.ts";
import { Status } from "../../domain/state-machine.ts";
import type { StatusReport } from "../../domain/status-report.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { callContext, type FlowDeps, FORWARD_FLOW } from "../steps/step.ts";

/**
 * Cancels an order that was not paid in time. A payment that came first has changed the version,
 * and wins.
 */
export function paymentTimeout({ operations }: FlowDeps): ActionHandler {
  return async (event, attempt) => {
    if (event.type !== "status-changed") {
      return DONE;
    }
    const context = callContext(FORWARD_FLOW, event, attempt);
    const report: StatusReport = {
      kind: "report",
      orderId: event.orderId,
      status: Status.CANCELLED,
      by: "report",
      requestId: "",
      remark: "not paid in time",
      expectedVersion: event.version,
      validateOnly: false,
      cause: causeOf(context, PAYMENT_TIMEOUT),
    };
    try {
      await updateOrderStatus(operations, report, context);
    } catch (error) {
      if (!(error instanceof OperationError && error.kind === "version-mismatch")) {
        throw error;
      }
    }
    return DONE;
  };
}
