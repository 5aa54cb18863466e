import { decide, type OrderFacts } from "./decide.ts";
import { type CancelProgressed, type CancelStep, type Cause, eventContext } from "./events.ts";
import type { Order } from "./order.ts";
import { describeStatus, Status } from "./state-machine.ts";
import { type CancelVerdict, cancelVerdict, type VerdictFacts } from "./verdicts.ts";

/**
 * The legacy `oms_order_cancel_flow.current_process`: 20 is the legacy number, the others are this
 * project's choice.
 */
export const CANCEL_PROCESS = {
  /** The order is paused and the request evaluated (legacy node 20). */
  EVALUATED: 20,
  WMS_ASKED: 60,
  CLOSED: 100,
} as const;

/** The legacy `oms_push_issuccess.process_flag`. */
export const PROCESS_FLAG = {
  /** A cancel request waits for the WMS's answer, or has it. */
  WMS_ANSWER: 60,
  /** A return. */
  RETURN: 105,
} as const;

/**
 * The state of a cancel request; REQUESTED only for legacy rows, as requests are evaluated at once
 * here.
 */
export type CancelState = "REQUESTED" | "WAITING_FOR_WMS" | "CANCELLED" | "REFUSED";

/** What is done about a new cancel request. */
export type CancelDecision =
  | { readonly kind: "cancel" | "done" | "ask-wms"; readonly verdict: CancelVerdict }
  | { readonly kind: "refuse"; readonly verdict: CancelVerdict; readonly reason: string };

/** Legacy node 20: the verdict of operation 1, limited to what operation 6 can cancel at all. */
export function decideCancel(order: OrderFacts & VerdictFacts): CancelDecision {
  const { verdict, message } = cancelVerdict(order);
  switch (verdict) {
    case "ALREADY_CANCELLED":
      return { kind: "done", verdict };
    case "SPLIT_PARENT":
      return { kind: "refuse", verdict, reason: `${message}: it is split, each child order gets its own request` };
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

/** The reason of a refused cancel request that the WMS did not answer. */
export const NO_WMS_ANSWER = "the WMS did not answer in time";

/** The event of a cancel request's step. */
export function cancelEvent(
  order: Order,
  cancelId: bigint,
  step: CancelStep,
  {
    reason,
    cause,
    now,
    answerUntil,
  }: { readonly reason: string; readonly cause: Cause; readonly now: Date; readonly answerUntil?: Date | undefined },
): CancelProgressed {
  const context = eventContext(order, `${order.orderId}-cancel-${cancelId}-${step}`, cause, now);
  return { type: "cancel-progressed", ...context, cancelId, step, reason, answerUntil };
}
