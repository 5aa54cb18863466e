import { randomUUID } from "node:crypto";
import type { Cause, OrderEvent } from "../../domain/events.ts";
import type { Order } from "../../domain/order.ts";
import { applyPause } from "../../domain/pause.ts";
import { type CancelDecision, type CancelState, cancelEvent, decideCancel } from "../../domain/reversal.ts";
import { Status } from "../../domain/state-machine.ts";
import { applyTransition } from "../../domain/status-report.ts";
import {
  type ChangeResult,
  type ChangeTransaction,
  commitChange,
  unchanged,
} from "../../store/commit/commit-change.ts";
import { digest, nextId } from "../../store/mysql/ids.ts";
import { lockOrder } from "../../store/orders/order-row.ts";
import { findOpenOrDone, insertCancelRequest } from "../../store/orders/reversal-rows.ts";
import { writePause, writeTransition } from "../../store/orders/write-orders.ts";
import { readChildren } from "../../store/reads/flows.ts";
import { answerOnce } from "../answer-once.ts";
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
  const { changes, kinds } = deps;
  const { orderId, reason, operator, requestId } = input;
  const content = ["cancel requested", String(orderId), reason, operator];
  await assertVisible(deps, orderId, context);
  const { splitParent, ...requested } = await commitChange(changes, async (trx, now) => {
    const order = await lockOrder(trx, orderId, kinds, context.orderScope);
    return answerOnce(
      trx,
      { requestId, requestNamespace: context.requestNamespace, orderId, content },
      now,
      async () => {
        if (order === undefined) {
          throw orderNotFound(orderId);
        }
        const cause = causeOf(context, operator);
        const answerUntil = new Date(now.getTime() + deps.wmsAnswerMs);
        return evaluate(trx, order, { reason, cause, now, answerUntil });
      },
    );
  });
  return { ...requested, children: splitParent ? await requestForChildren(deps, input, context) : [] };
}

/** The outcome for the order itself; stored as the answer to the request id. */
interface CancelOutcome extends RequestedCancel {
  /** The order is split: its child orders need requests of their own. */
  readonly splitParent: boolean;
}

interface Evaluation extends CancelDetails {
  /** The deadline of the WMS's answer, if it is asked. */
  readonly answerUntil: Date;
}

const STATES: Readonly<Record<CancelDecision["kind"], RequestedCancel["state"]>> = {
  cancel: "CANCELLED",
  done: "CANCELLED",
  "ask-wms": "WAITING_FOR_WMS",
  refuse: "REFUSED",
};

async function evaluate(
  trx: ChangeTransaction,
  order: Order,
  { reason, cause, now, ...evaluation }: Evaluation,
): Promise<ChangeResult<CancelOutcome>> {
  const earlier = await findOpenOrDone(trx, order.orderId);
  if (earlier !== undefined) {
    const { cancelId, state } = earlier;
    return unchanged({ cancelId, state, refusalReason: "", splitParent: false });
  }
  const decision = decideCancel(order);
  const { kind, verdict } = decision;
  const state = STATES[kind];
  const refusalReason = kind === "refuse" ? decision.reason : "";
  const answerUntil = kind === "ask-wms" ? evaluation.answerUntil : undefined;
  const cancelId = nextId();
  const { orderId } = order;
  await insertCancelRequest(trx, { cancelId, orderId, state, verdict, reason, refusalReason, cause, answerUntil }, now);
  const events: OrderEvent[] = [cancelEvent(order, cancelId, "requested", { reason, cause, now, answerUntil })];
  if (kind === "cancel" || kind === "ask-wms") {
    events.push(...(await setPaused(trx, order, true, { reason: "cancel requested", cause, now })));
  }
  if (kind === "cancel") {
    events.push(await cancelLocked(trx, { ...order, paused: true }, { reason, cause, now }));
  }
  if (state === "CANCELLED") {
    events.push(cancelEvent(order, cancelId, "done", { reason, cause, now }));
  } else if (state === "REFUSED") {
    events.push(cancelEvent(order, cancelId, "refused", { reason: refusalReason, cause, now }));
  }
  return { result: { cancelId, state, refusalReason, splitParent: verdict === "SPLIT_PARENT" }, events };
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

interface CancelDetails {
  readonly reason: string;
  readonly cause: Cause;
  readonly now: Date;
}

/** Cancels a locked order that `decide` allows to cancel (legacy operation 6). */
export async function cancelLocked(
  trx: ChangeTransaction,
  order: Order,
  { reason, cause, now }: CancelDetails,
): Promise<OrderEvent> {
  const report = { status: Status.CANCELLED, by: "operation", requestId: "", remark: reason, cause } as const;
  const transition = applyTransition(order, report, now);
  await writeTransition(trx, transition, now);
  return transition.event;
}

/** Pauses or resumes a locked order; no event where it is paused or running already. */
export async function setPaused(
  trx: ChangeTransaction,
  order: Order,
  paused: boolean,
  { reason, cause, now }: CancelDetails,
): Promise<OrderEvent[]> {
  const applied = applyPause(order, { paused, reason, cause }, randomUUID(), now);
  if (applied === undefined) {
    return [];
  }
  await writePause(trx, applied, now);
  return [applied.event];
}
