import { randomUUID } from "node:crypto";
import type { OrderEvent } from "../../domain/events.ts";
import { type AppliedPause, applyPause } from "../../domain/pause.ts";
import { type CancelState, cancelEvent, cancelRefusal } from "../../domain/reversal.ts";
import { Status } from "../../domain/state-machine.ts";
import type { AppliedTransition } from "../../domain/status-report.ts";
import { type CancelRequest, cancelRequest, closeCancelRequest } from "../../store/orders/reversal-rows.ts";
import { type Cancel, isStepRunning, readCancel } from "../../store/reads/reversal.ts";
import { commitChange, unchanged } from "../commit-change.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError } from "../errors.ts";
import { isVisible, type Scoped } from "../order-scope.ts";
import { cancel } from "./request-cancel.ts";

export interface CloseCancelInput {
  readonly orderId: bigint;
  /** Undefined: the order's last one. */
  readonly cancelId: bigint | undefined;
  readonly agreed: boolean;
  /** Why not; "" where it was agreed. */
  readonly reason: string;
  readonly operator: string;
  /** "" for none; without it, a repeat might close a later request of the order. */
  readonly requestId?: string;
}

/**
 * The WMS's answer to a cancel request, or that it did not answer in time: the order is cancelled,
 * or resumed, in one commit with the end of the request. A closed request is not changed: of two
 * answers the first one counts.
 *
 * @returns the state of the request; undefined where there is none
 */
export function closeCancel(
  deps: OperationDeps,
  { orderId, cancelId, agreed, reason, operator, requestId = "" }: CloseCancelInput,
  context: CallContext,
): Promise<CancelState | undefined> {
  const { db } = deps;
  const cause = causeOf(context, operator);
  return commitChange<CancelState | undefined, { readonly request: CancelRequest | undefined }>(
    deps,
    {
      orderId,
      cause,
      requestId,
      content: ["cancel answered", String(orderId), agreed, reason, operator],
      reads: { request: cancelRequest(db, orderId, cancelId) },
      decide({ order, reads: { request }, now }) {
        if (order === undefined || request === undefined) {
          return unchanged(undefined);
        }
        if (request.state !== "WAITING_FOR_WMS") {
          return unchanged(request.state);
        }
        const id = request.cancelId;
        // Operation 6 may have cancelled the order in the meantime, which fulfils the request.
        const isCancelled = order.status === Status.CANCELLED;
        const refusal = isCancelled ? undefined : agreed ? cancelRefusal(order) : reason;
        const events: OrderEvent[] = agreed ? [cancelEvent(order, id, "agreed", { reason, cause, now })] : [];
        let change: AppliedTransition | AppliedPause | undefined;
        if (refusal === undefined) {
          change = isCancelled ? undefined : cancel(order, { reason: request.reason, cause, now });
        } else {
          change = applyPause(order, { paused: false, reason: "cancel refused", cause }, randomUUID(), now);
        }
        events.push(...(change === undefined ? [] : [change.event]));
        events.push(
          refusal === undefined
            ? cancelEvent(order, id, "done", { reason: request.reason, cause, now })
            : cancelEvent(order, id, "refused", { reason: refusal, cause, now }),
        );
        const state = refusal === undefined ? "CANCELLED" : "REFUSED";
        return {
          result: state,
          events,
          after: change?.after,
          statements: closeCancelRequest(db, orderId, id, { state, refusalReason: refusal ?? "", now }),
        };
      },
    },
    context,
  );
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
 */
export async function reportWmsAnswer(
  deps: OperationDeps,
  input: ReportWmsAnswerInput,
  context: CallContext,
): Promise<{ readonly state: CancelState }> {
  if (!(await isVisible(deps, input.orderId, context))) {
    throw cancelNotFound(input.orderId);
  }
  const reason = input.reason === "" && !input.agreed ? "the WMS refused" : input.reason;
  const state =
    (await closeCancel(deps, { ...input, reason, cancelId: undefined }, context)) ??
    (await readCancel(deps.db, input.orderId))?.state;
  if (state === undefined) {
    throw cancelNotFound(input.orderId);
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
