import { Status } from "../../../domain/state-machine.ts";
import { statusTopic } from "./adapter.ts";

/** Arrived. */
export const delivered = statusTopic("delivered", {
  [Status.DELIVERED]: "订单已妥投",
});
