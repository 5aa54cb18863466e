import { Status } from "../../../domain/state-machine.ts";
import { statusFamily } from "./adapter.ts";

/** Arrived. */
export const delivered = statusFamily("delivered", {
  [Status.DELIVERED]: "订单已妥投",
});
