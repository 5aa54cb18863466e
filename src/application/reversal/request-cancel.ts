import { randomUUID } from "node:crypto";
import type { Cause, OrderEvent } from "../../domain/events.ts";
import type { Order } from "../../domain/order.ts";
import { applyPause } from "../../domain/pause.ts";
import { type CancelDecision, type CancelState, cancelEvent, decideCancel } from "../../domain/reversal.ts";
import { Status } from "../../domain/state-machine.ts";
import { type AppliedTransition, applyTransition } from "../../domain/status-report.ts";
import type { DecidedChange } from "../../store/commit/order-change.ts";
import { digest, nextId } from "../../store/mysql/ids.ts";
import {
  type CancelRequest,
  insertCancelRequest,
  openOrDoneRequest,
  takeBackRequest,
} from "../../store/orders/reversal-rows.ts";
import { readChildren } from "../../store/reads/flows.ts";
import { commitChange, unchanged } from "../commit-change.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { orderNotFound } from "../errors.ts";
import { assertVisible } from "../order-scope.ts";

export interface RequestCancelInput {
  readonly orderId: bigint;
  readonly reason: string;
  readonly operator: string;
  /** "" for none. */
  readonly requestId: string;
}

/** The result of a cancel request so far. */
export interface RequestedCancel {
  readonly cancelId: bigint;
  readonly state: Exclude<CancelState, "REQUESTED">;
  /** "" where it was not refused. */
  readonly refusalReason: string;
}

export interface RequestCancelResult extends RequestedCancel {
  /** The child orders' own requests, by id, for a split order. */
  readonly children: readonly (RequestedCancel & { readonly orderId: bigint })[];
}

/**
 * Records a cancel request, pauses the order, evaluates the request and, before stock is allocated,
 * cancels the order (legacy nodes up to 20). One commit under the order's lock: a payment, a step
 * or another request comes entirely before or after it. For a split order each child order gets a
 * request of its own.
 */
export async function requestCancel(
  deps: OperationDeps,
  input: RequestCancelInput,
  context: CallContext,
): Promise<RequestCancelResult> {
  const { orderId, reason, operator, requestId } = input;
  const cause = causeOf(context, operator);
  await assertVisible(deps, orderId, context);
  const { splitParent, ...requested } = await commitChange(
    deps,
    {
      orderId,
      cause,
      requestId,
      content: ["cancel requested", String(orderId), reason, operator],
      reads: { earlier: openOrDoneRequest(deps.db, orderId) },
      decide({ order, reads: { earlier }, now }) {
        if (order === undefined) {
          throw orderNotFound(orderId);
        }
        if (earlier !== undefined) {
          const { cancelId } = earlier;
          // The WMS may still be asked for the goods of an order that is cancelled.
          const state = order.status === Status.CANCELLED ? "CANCELLED" : earlier.state;
          return unchanged<CancelOutcome>({ cancelId, state, refusalReason: "", splitParent: false });
        }
        return evaluate(deps, order, { reason, cause, now });
      },
    },
    context,
  );
  return { ...requested, children: splitParent ? await requestForChildren(deps, input, context) : [] };
}

/** The outcome for the order itself; stored as the answer to the request id. */
interface CancelOutcome extends RequestedCancel {
  /** The order is split: its child orders need requests of their own. */
  readonly splitParent: boolean;
}

const STATES: Readonly<Record<CancelDecision["kind"], RequestedCancel["state"]>> = {
  cancel: "CANCELLED",
  done: "CANCELLED",
  "ask-wms": "WAITING_FOR_WMS",
  refuse: "REFUSED",
};

function evaluate(
  { db, wmsAnswerMs }: OperationDeps,
  order: Order,
  { reason, cause, now }: CancelDetails,
): DecidedChange<CancelOutcome> {
  const decision = decideCancel(order);
  const { kind, verdict } = decision;
  const state = STATES[kind];
  const refusalReason = kind === "refuse" ? decision.reason : "";
  const answerUntil = kind === "ask-wms" ? new Date(now.getTime() + wmsAnswerMs) : undefined;
  const cancelId = nextId();
  const { orderId } = order;
  const request = { cancelId, orderId, state, verdict, reason, refusalReason, cause, answerUntil };
  const events: OrderEvent[] = [cancelEvent(order, cancelId, "requested", { reason, cause, now, answerUntil })];
  let after = order;
  if (kind === "cancel" || kind === "ask-wms") {
    const paused = applyPause(after, { paused: true, reason: "cancel requested", cause }, randomUUID(), now);
    events.push(...(paused === undefined ? [] : [paused.event]));
    after = paused?.after ?? after;
  }
  if (kind === "cancel") {
    const cancelled = cancel(after, { reason, cause, now });
    events.push(cancelled.event);
    after = cancelled.after;
  }
  if (state === "CANCELLED") {
    events.push(cancelEvent(order, cancelId, "done", { reason, cause, now }));
  } else if (state === "REFUSED") {
    events.push(cancelEvent(order, cancelId, "refused", { reason: refusalReason, cause, now }));
  }
  return {
    result: { cancelId, state, refusalReason, splitParent: verdict === "SPLIT_PARENT" },
    events,
    after: after === order ? undefined : after,
    statements: insertCancelRequest(db, request, now),
  };
}

/**
 * One after the other. The request ids are derived from the parent's, so that a repeat gets the
 * first answers.
 */
async function requestForChildren(
  deps: OperationDeps,
  input: RequestCancelInput,
  context: CallContext,
): Promise<RequestCancelResult["children"]> {
  const childIds = (await readChildren(deps.db, [input.orderId], context.orderScope)).get(input.orderId) ?? [];
  const children: RequestCancelResult["children"][number][] = [];
  for (const orderId of childIds) {
    const requestId = input.requestId === "" ? "" : digest([input.requestId, String(orderId)]).toString("hex");
    const { children: _, ...requested } = await requestCancel(deps, { ...input, orderId, requestId }, context);
    children.push({ orderId, ...requested });
  }
  return children;
}

/** The reason of a request to take goods back. */
const TAKE_BACK_REASON = "cancelled while it was dispatched";

/**
 * Asks the WMS to return the goods of an order that was cancelled while its dispatch was in
 * progress: a cancel request of its own. Once per order.
 */
export async function requestTakeBack(
  { db, committer, wmsAnswerMs }: OperationDeps,
  { orderId, operator }: { readonly orderId: bigint; readonly operator: string },
  context: CallContext,
): Promise<void> {
  const cause = causeOf(context, operator);
  await commitChange<undefined, { readonly earlier: CancelRequest | undefined }>(
    { committer },
    {
      orderId,
      cause,
      requestId: "",
      content: [],
      reads: { earlier: takeBackRequest(db, orderId) },
      decide({ order, reads: { earlier }, now }) {
        if (order?.status !== Status.CANCELLED || earlier !== undefined) {
          return unchanged(undefined);
        }
        const reason = TAKE_BACK_REASON;
        const answerUntil = new Date(now.getTime() + wmsAnswerMs);
        const verdict = "ALREADY_CANCELLED";
        const state = "WAITING_FOR_WMS";
        const cancelId = nextId();
        const request = { cancelId, orderId, state, verdict, reason, refusalReason: "", cause, answerUntil } as const;
        return {
          result: undefined,
          events: [cancelEvent(order, cancelId, "requested", { reason, cause, now, answerUntil, takeBack: true })],
          statements: insertCancelRequest(db, request, now),
        };
      },
    },
    context,
  );
}

interface CancelDetails {
  readonly reason: string;
  readonly cause: Cause;
  readonly now: Date;
}

/** Cancels an order that `decide` allows to cancel (legacy operation 6). */
export function cancel(order: Order, { reason, cause, now }: CancelDetails): AppliedTransition {
  const report = { status: Status.CANCELLED, by: "operation", requestId: "", remark: reason, cause } as const;
  return applyTransition(order, report, now);
}
