import { decide, type OrderFacts } from "./decide.ts";
import { describeStatus, Status } from "./state-machine.ts";
import { type CancelVerdict, cancelVerdict, type VerdictFacts } from "./verdicts.ts";

/** The old `oms_order_cancel_flow.current_process`: 20 is the old system's number, the others this project's choice. */
export const CANCEL_PROCESS = {
  /** The order is paused and judged (old node 20). */
  EVALUATED: 20,
  WMS_ASKED: 60,
  CLOSED: 100,
} as const;

/** The old `oms_push_issuccess.process_flag`. */
export const PROCESS_FLAG = {
  /** A cancel waits for the WMS's answer, or had it. */
  WMS_ANSWER: 60,
  /** Goods come back. */
  RETURN: 105,
} as const;

/** How far a cancel request has come; REQUESTED is for rows of the old system alone, as here it is judged at once. */
export type CancelState = "REQUESTED" | "WAITING_FOR_WMS" | "CANCELLED" | "REFUSED";

/** What is done about a cancel request when it comes. */
export type CancelDecision =
  | { readonly kind: "cancel" | "done" | "ask-wms"; readonly verdict: CancelVerdict }
  | { readonly kind: "refuse"; readonly verdict: CancelVerdict; readonly reason: string };

/** Old node 20: by operation 1's verdict, and not beyond what operation 6 can do at all. */
export function decideCancel(order: OrderFacts & VerdictFacts): CancelDecision {
  const { verdict, message } = cancelVerdict(order);
  switch (verdict) {
    case "ALREADY_CANCELLED":
      return { kind: "done", verdict };
    case "SPLIT_PARENT":
      return { kind: "refuse", verdict, reason: `${message}: it is split, and its child orders are asked one by one` };
    default: {
      const reason = cancelRefusal(order);
      if (reason !== undefined) {
        return { kind: "refuse", verdict, reason };
      }
      return { kind: verdict === "ASK_WMS" ? "ask-wms" : "cancel", verdict };
    }
  }
}

/** Why operation 6 cannot cancel the order; undefined where it can. */
export function cancelRefusal(order: OrderFacts): string | undefined {
  const decision = decide(order, { status: Status.CANCELLED, by: "operation" });
  if (decision.outcome === "applied") {
    return undefined;
  }
  return order.status >= Status.HANDED_OVER
    ? `the order is ${describeStatus(order.status)}: it has left the warehouse, and can only be returned`
    : `the order is ${describeStatus(order.status)}`;
}

/** What a refused cancel says when the WMS stayed silent. */
export const NO_WMS_ANSWER = "the WMS did not answer in time";
