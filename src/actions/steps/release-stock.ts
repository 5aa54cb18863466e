import { RELEASE_STOCK } from "../../domain/flow.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Action } from "../../messaging/runner/action.ts";
import type { FlowDeps } from "./step.ts";

/** An order that the flow had allocated is cancelled: the ERP gets its stock back. */
export function releaseStock({ erp }: FlowDeps): Action {
  return {
    name: RELEASE_STOCK,
    subjects: [`oms.v1.order.status.${Status.CANCELLED}`],
    matches: (event) =>
      event.type === "status-changed" &&
      event.toStatus === Status.CANCELLED &&
      event.fromStatus >= Status.ERP_ALLOCATED &&
      event.warehouseCount > 0,
    run: ({ orderId }, attempt) => erp.release(attempt.messageId, orderId, attempt),
  };
}
