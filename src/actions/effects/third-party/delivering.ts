import { Status } from "../../../domain/state-machine.ts";
import { statusTopic } from "./adapter.ts";

/** On the road. */
export const delivering = statusTopic("delivering", {
  [Status.IN_TRANSIT]: "包裹运输中",
  [Status.OUT_FOR_DELIVERY]: "配送员正在派送",
});
