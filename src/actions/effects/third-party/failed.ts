import { Status } from "../../../domain/state-machine.ts";
import { statusTopic } from "./adapter.ts";

/** Did not arrive. */
export const failed = statusTopic("failed", {
  [Status.REJECTED]: "客户拒收",
  [Status.DELIVERY_FAILED]: "配送失败",
  [Status.LOST]: "包裹丢失",
});
