import { Status } from "../src/domain/state-machine.ts";

/** The ordinary life of an order after CREATED, eleven changes. */
export const LIFECYCLE: readonly Status[] = [
  Status.PAID,
  Status.APPROVED,
  Status.ERP_ALLOCATED,
  Status.WMS_DISPATCHED,
  Status.WMS_ACCEPTED,
  Status.PICKING,
  Status.PACKED,
  Status.HANDED_OVER,
  Status.IN_TRANSIT,
  Status.OUT_FOR_DELIVERY,
  Status.DELIVERED,
];
