import { OperationError } from "../../application/errors.ts";
import { updateOrderStatus } from "../../application/orders/update-order-status.ts";
import { PAYMENT_TIMEOUT } from "../../domain/flow.ts";
import { Status } from "../../domain/state-machine.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import { callContext, type FlowDeps, FORWARD_FLOW } from "../steps/step.ts";

/** Cancels an order that was not paid in time. A payment that came first has changed the version, and wins. */
export function paymentTimeout({ operations }: FlowDeps): ActionHandler {
  return async (event, attempt) => {
    if (event.type !== "status-changed") {
      return DONE;
    }
    const input = {
      orderId: event.orderId,
      status: Status.CANCELLED,
      requestId: "",
      operator: PAYMENT_TIMEOUT,
      occurTime: undefined,
      remark: "not paid in time",
      expectedVersion: event.version,
      validateOnly: false,
    };
    try {
      await updateOrderStatus(operations, input, callContext(FORWARD_FLOW, event, attempt));
    } catch (error) {
      if (!(error instanceof OperationError && error.kind === "version-mismatch")) {
        throw error;
      }
    }
    return DONE;
  };
}
