import { Status } from "../../../domain/state-machine.ts";
import { statusTopic } from "./adapter.ts";

/** Called off. */
export const cancelled = statusTopic("cancelled", {
  [Status.CANCELLED]: "订单已取消",
});
