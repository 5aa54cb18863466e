import { Status } from "./state-machine.ts";

/** The forward flow's steps, in order. Each begins in a state, and asks for the next one at its end. */
export const FLOW_STEPS = {
  approve: { startsAt: Status.PAID, endsAt: Status.APPROVED },
  /** Only where the goods are in several warehouses; what they are split into goes on with `allocate`. */
  split: { startsAt: Status.APPROVED, endsAt: Status.SPLIT },
  allocate: { startsAt: Status.APPROVED, endsAt: Status.ERP_ALLOCATED },
  dispatch: { startsAt: Status.ERP_ALLOCATED, endsAt: Status.WMS_DISPATCHED },
} as const;

export type FlowStep = keyof typeof FLOW_STEPS;

/** The other subscribers of the flows, by their names in the ledger. */
export const PAYMENT_TIMEOUT = "payment-timeout";
export const RELEASE_STOCK = "release-stock";
export const ASK_WMS = "cancel-ask-wms";
export const WMS_TIME_LIMIT = "cancel-time-limit";

/** The step that an order is at; undefined where the flow has nothing to do with it now. */
export function stepAt(order: { readonly status: number; readonly warehouseCount: number }): FlowStep | undefined {
  if (order.warehouseCount === 0) {
    return undefined;
  }
  switch (order.status) {
    case Status.PAID:
      return "approve";
    case Status.APPROVED:
      return order.warehouseCount > 1 ? "split" : "allocate";
    case Status.ERP_ALLOCATED:
      return "dispatch";
    default:
      return undefined;
  }
}
