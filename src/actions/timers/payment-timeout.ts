import { OperationError } from "../../application/errors.ts";
import { updateOrderStatus } from "../../application/orders/update-order-status.ts";
import { PAYMENT_TIMEOUT } from "../../domain/flow.ts";
import { expires } from "../../domain/payable.ts";
import { Status } from "../../domain/state-machine.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import { contextOf, type FlowDeps, FORWARD_FLOW } from "../steps/step.ts";

/** A timer: an order that is not paid in time is cancelled. A payment that came first has changed the version, and wins. */
export function paymentTimeout({ operations, kinds }: FlowDeps): Action {
  return {
    name: PAYMENT_TIMEOUT,
    subjects: [],
    matches: (event) => event.type === "status-changed" && event.toStatus === Status.CREATED && expires(kinds, event),
    due: ({ recordTime }) => new Date(recordTime.getTime() + operations.paymentTimeoutMs),
    async run(event, attempt) {
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
        await updateOrderStatus(operations, input, contextOf(FORWARD_FLOW, event, attempt));
      } catch (error) {
        if (!(error instanceof OperationError && error.kind === "version-mismatch")) {
          throw error;
        }
      }
      return DONE;
    },
  };
}
