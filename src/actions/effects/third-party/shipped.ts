import { Status } from "../../../domain/state-machine.ts";
import { statusTopic } from "./adapter.ts";

/** Handed over to the carrier. */
export const shipped = statusTopic("shipped", {
  [Status.HANDED_OVER]: "包裹已出库，已交给承运商",
});
