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

/**
 * Whether a request was made for an order that is already cancelled: the WMS is asked to return
 * goods whose dispatch was in progress at that time.
 */
export function isTakeBack({ verdict }: { readonly verdict: CancelVerdict }): boolean {
  return verdict === "ALREADY_CANCELLED";
}

/** The WMS's answer to a request; "none" where it does not answer in time, or need not any more. */
export interface CancelAnswer {
  readonly kind: "agreed" | "refused" | "none";
  /** As given by the WMS; "" for none. */
  readonly reason: string;
}

export const NO_ANSWER: CancelAnswer = { kind: "none", reason: "" };

/** What an answer does to its request, whose end also decides what becomes of the order. */
export interface AnswerEffect {
  /** CANCELLED cancels the order unless it already is; REFUSED lets it continue. */
  readonly state: "CANCELLED" | "REFUSED";
  /** "" where the request is not refused. */
  readonly refusalReason: string;
  /** How the answer contradicts the order, about which a person has to decide. */
  readonly conflict: string | undefined;
}

/**
 * Decides on an answer to a request, also on one after the request's end: an agreement cancels the
 * order as long as that is possible.
 *
 * @returns undefined where nothing changes
 */
export function decideAnswer(
  order: OrderFacts,
  request: { readonly state: Exclude<CancelState, "REQUESTED">; readonly verdict: CancelVerdict },
  answer: CancelAnswer,
): AnswerEffect | undefined {
  const isCancelled = order.status === Status.CANCELLED;
  const refusal = isCancelled ? undefined : cancelRefusal(order);
  const cancelled = { state: "CANCELLED", refusalReason: "", conflict: undefined } as const;
  const refused = (refusalReason: string, conflict?: string) =>
    ({ state: "REFUSED", refusalReason, conflict }) as const;
  const isOpen = request.state === "WAITING_FOR_WMS";
  switch (answer.kind) {
    case "agreed":
      if (request.state === "CANCELLED") {
        return undefined;
      }
      return refusal === undefined ? cancelled : refused(refusal, `the WMS agreed to the cancel, but ${refusal}`);
    case "refused": {
      const kept = `the order is cancelled, and the WMS keeps it: ${answer.reason}`;
      if (isOpen) {
        // An order that was cancelled otherwise fulfils the request.
        return isCancelled && !isTakeBack(request)
          ? { ...cancelled, conflict: kept }
          : refused(answer.reason, isCancelled ? kept : undefined);
      }
      return request.state === "CANCELLED" ? { ...cancelled, conflict: kept } : undefined;
    }
    case "none":
      if (!isOpen) {
        return undefined;
      }
      if (!isCancelled) {
        return refused(NO_WMS_ANSWER);
      }
      return isTakeBack(request)
        ? refused(NO_WMS_ANSWER, "the order is cancelled, and the WMS did not answer in time whether it returns it")
        : cancelled;
  }
}

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
    takeBack = false,
  }: {
    readonly reason: string;
    readonly cause: Cause;
    readonly now: Date;
    readonly answerUntil?: Date | undefined;
    readonly takeBack?: boolean;
  },
): CancelProgressed {
  const context = eventContext(order, `${order.orderId}-cancel-${cancelId}-${step}`, cause, now);
  return { type: "cancel-progressed", ...context, cancelId, step, reason, answerUntil, takeBack };
}
