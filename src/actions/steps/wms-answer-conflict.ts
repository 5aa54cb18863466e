import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";

/**
 * Parks an answer of the WMS that contradicts the order, with the contradiction: people find it
 * among the parked events, act in the warehouse, and discard it.
 */
export function wmsAnswerConflict(): ActionHandler {
  return async (event) =>
    event.type === "cancel-progressed" && event.step === "conflict" ? { kind: "reject", reason: event.reason } : DONE;
}
