import { randomUUID } from "node:crypto";
import type { CancelStep, Cause, OrderEvent } from "../../domain/events.ts";
import { ASK_WMS } from "../../domain/flow.ts";
import type { Order } from "../../domain/order.ts";
import { type AppliedPause, applyPause } from "../../domain/pause.ts";
import {
  type AnswerEffect,
  type CancelAnswer,
  type CancelState,
  cancelEvent,
  decideAnswer,
  isTakeBack,
} from "../../domain/reversal.ts";
import { Status } from "../../domain/state-machine.ts";
import type { AppliedTransition } from "../../domain/status-report.ts";
import {
  type CancelRequest,
  cancelRequest,
  closeCancelRequest,
  markConflict,
} from "../../store/orders/reversal-rows.ts";
import { type Cancel, isRequestOpen, isStepRunning, mayHaveActed, readCancel } from "../../store/reads/reversal.ts";
import { commitChange, unchanged } from "../commit-change.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError } from "../errors.ts";
import { isVisible, type Scoped } from "../order-scope.ts";
import { cancel } from "./request-cancel.ts";

export interface CloseCancelInput {
  readonly orderId: bigint;
  /** Undefined: the one that an answer of the WMS belongs to, see `cancelRequest`. */
  readonly cancelId: bigint | undefined;
  readonly answer: CancelAnswer;
  readonly operator: string;
  /** "" for none; without it, a repeat might close a later request of the order. */
  readonly requestId?: string;
}

/** The state of a request after an answer; "CONFLICT" where the answer contradicts the order. */
export type ClosedState = CancelState | "CONFLICT";

/**
 * The WMS's answer to a cancel request, or that there is none: the order is cancelled, or resumed,
 * in one commit with the end of the request. An agreement after that still cancels the order if
 * possible; an answer that contradicts the order is recorded as an event, once per request.
 *
 * @returns the state of the request; "CONFLICT" where an answer contradicts the order after the end
 *   of the request; undefined where there is no request
 */
export function closeCancel(
  deps: OperationDeps,
  { orderId, cancelId, answer, operator, requestId = "" }: CloseCancelInput,
  context: CallContext,
): Promise<ClosedState | undefined> {
  const { db } = deps;
  const cause = causeOf(context, operator);
  return commitChange<ClosedState | undefined, { readonly request: CancelRequest | undefined }>(
    deps,
    {
      orderId,
      cause,
      requestId,
      content: ["cancel answered", String(orderId), answer.kind === "agreed", answer.reason, operator],
      reads: { request: cancelRequest(db, orderId, cancelId) },
      decide({ order, reads: { request }, now }) {
        if (order === undefined || request === undefined) {
          return unchanged(undefined);
        }
        const effect = decideAnswer(order, request, answer);
        if (effect === undefined) {
          return unchanged(request.state);
        }
        const { state, refusalReason, conflict } = effect;
        const result = conflict === undefined || request.state === "WAITING_FOR_WMS" ? state : "CONFLICT";
        const { events, after } = eventsOf(order, request, { answer, effect, cause, now });
        const { cancelId: id } = request;
        return {
          result,
          events,
          after,
          statements: [
            ...(request.state === state ? [] : closeCancelRequest(db, orderId, id, { state, refusalReason, now })),
            ...(conflict === undefined || request.hasConflict ? [] : [markConflict(db, id, now)]),
          ],
        };
      },
    },
    context,
  );
}

/** The events of an answer, in order, and the order after it if it changes. */
function eventsOf(
  order: Order,
  request: CancelRequest,
  {
    answer,
    effect,
    cause,
    now,
  }: { readonly answer: CancelAnswer; readonly effect: AnswerEffect; readonly cause: Cause; readonly now: Date },
): { readonly events: readonly OrderEvent[]; readonly after: Order | undefined } {
  const { cancelId, reason } = request;
  const events: OrderEvent[] = [];
  const add = (step: CancelStep, why: string) =>
    events.push(cancelEvent(order, cancelId, step, { reason: why, cause, now, takeBack: isTakeBack(request) }));
  // Once: an earlier agreement that contradicted the order has its event.
  const isFirstAgreement = request.state === "WAITING_FOR_WMS" || isTakeBack(request) || !request.hasConflict;
  if (answer.kind === "agreed" && request.state !== effect.state && isFirstAgreement) {
    add("agreed", answer.reason);
  }
  let change: AppliedTransition | AppliedPause | undefined;
  if (request.state !== effect.state && order.status !== Status.CANCELLED) {
    change =
      effect.state === "CANCELLED"
        ? cancel(order, { reason, cause, now })
        : applyPause(order, { paused: false, reason: "cancel refused", cause }, randomUUID(), now);
    events.push(...(change === undefined ? [] : [change.event]));
  }
  if (request.state !== effect.state) {
    add(
      effect.state === "CANCELLED" ? "done" : "refused",
      effect.state === "CANCELLED" ? reason : effect.refusalReason,
    );
  }
  if (effect.conflict !== undefined && !request.hasConflict) {
    add("conflict", effect.conflict);
  }
  return { events, after: change?.after };
}

export interface ReportWmsAnswerInput {
  readonly orderId: bigint;
  readonly agreed: boolean;
  readonly reason: string;
  readonly operator: string;
  readonly requestId: string;
}

/**
 * The WMS answers later whether it returns an order. A repeat with the same request id gets the
 * first answer.
 *
 * @throws OperationError "wms-answer-conflict" where the answer contradicts the order; it is
 *   recorded all the same
 */
export async function reportWmsAnswer(
  deps: OperationDeps,
  { orderId, agreed, reason, operator, requestId }: ReportWmsAnswerInput,
  context: CallContext,
): Promise<{ readonly state: CancelState }> {
  if (!(await isVisible(deps, orderId, context))) {
    throw cancelNotFound(orderId);
  }
  const answer = agreed
    ? ({ kind: "agreed", reason } as const)
    : ({ kind: "refused", reason: reason === "" ? "the WMS refused" : reason } as const);
  const input = { orderId, cancelId: undefined, answer, operator, requestId };
  const state = await closeCancel(deps, input, context);
  if (state === undefined) {
    throw cancelNotFound(orderId);
  }
  if (state === "CONFLICT") {
    const message = agreed
      ? `order ${orderId}: the WMS agreed to the cancel, but the order can no longer be cancelled`
      : `order ${orderId}: the WMS refused the cancel, but the order is already cancelled`;
    throw new OperationError("wms-answer-conflict", `${message}; the answer is recorded, and ListParked lists it`, {
      metadata: { order_id: String(orderId) },
    });
  }
  return { state };
}

/** The state of an order's last cancel request. */
export async function getCancel(
  deps: OperationDeps,
  { orderId }: { readonly orderId: bigint },
  context: Scoped,
): Promise<Cancel> {
  const cancel = (await isVisible(deps, orderId, context)) ? await readCancel(deps.db, orderId) : undefined;
  if (cancel === undefined) {
    throw cancelNotFound(orderId);
  }
  return cancel;
}

/** Whether a cancel request waits for the WMS's answer. */
export function isWaitingForWms({ db }: OperationDeps, cancelId: bigint): Promise<boolean> {
  return isRequestOpen(db, cancelId);
}

/**
 * Whether the WMS may have carried out a cancel whose answer is not known: it is being asked, or a
 * person has to decide.
 *
 * @param messageId of the event that requested the cancel
 */
export function mayHaveReachedWms({ db }: OperationDeps, messageId: string): Promise<boolean> {
  return mayHaveActed(db, messageId, ASK_WMS);
}

/**
 * Whether the order may be on its way to the WMS at this moment: the WMS is asked to cancel only
 * after that.
 */
export function isDispatchInProgress({ db }: OperationDeps, orderId: bigint): Promise<boolean> {
  return isStepRunning(db, orderId, "dispatch");
}

function cancelNotFound(orderId: bigint): OperationError {
  return new OperationError("not-found", `order ${orderId} has no cancel request`);
}
