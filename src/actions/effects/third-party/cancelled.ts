import { Status } from "../../../domain/state-machine.ts";
import { statusFamily } from "./adapter.ts";

/** Called off. */
export const cancelled = statusFamily("cancelled", {
  [Status.CANCELLED]: "订单已取消",
});
