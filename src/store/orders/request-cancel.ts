import type { Transaction } from "kysely";
import type { OrderEvent } from "../../domain/events.ts";
import type { OrderKinds } from "../../domain/order-kinds.ts";
import { type CancelState, decideCancel } from "../../domain/reversal.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Cause } from "../commit/types.ts";
import { digest } from "../mysql/digest.ts";
import { nextId } from "../mysql/ids.ts";
import type { CancelRequestState, Database } from "../schema.ts";
import { cancelEvent, writeLegacyCancel } from "./cancel-records.ts";
import { type ChangeResult, commitChange, lockOrders, unchanged } from "./change.ts";
import { type Order, toOrder } from "./order-row.ts";
import { readStoredAnswer, storeAnswer } from "./request-answer.ts";
import { setPause } from "./set-pause.ts";
import { applyTransition } from "./transition.ts";
import type { ChangeDeps } from "./types.ts";
import { writeTransition } from "./write-transition.ts";

export interface CancelRequest {
  readonly orderId: bigint;
  readonly reason: string;
  /** "" for none. */
  readonly requestId: string;
  readonly cause: Cause;
  /** How long the WMS has for its answer, in milliseconds. */
  readonly wmsAnswerMs: number;
}

/** Where a cancel request stands. */
export interface CancelOutcome {
  readonly cancelId: bigint;
  readonly state: CancelState;
  /** "" where it was not refused. */
  readonly refusalReason: string;
  /** Whether the order is split, and its child orders have to be asked. */
  readonly splitParent: boolean;
}

type CancelResult = CancelOutcome | "request-id-reused" | undefined;

/**
 * Records a cancel request, pauses the order, judges, and (before its stock is allocated) cancels it: all in one commit under the order's
 * lock, so that a payment, a step or another request comes wholly before it or wholly after. Undefined where there is no such order.
 */
export function requestCancel(deps: ChangeDeps, kinds: OrderKinds, request: CancelRequest): Promise<CancelResult> {
  const { orderId, requestId, reason, cause } = request;
  const content = digest(["cancel requested", String(orderId), reason, cause.operator]);
  return commitChange<CancelResult>(deps, async (trx, now) => {
    const [row] = await lockOrders(trx, [orderId]);
    const known = await readStoredAnswer(trx, requestId, content);
    if (known !== undefined) {
      return unchanged(known === "reused" ? "request-id-reused" : decodeStanding(known.answer));
    }
    if (row === undefined) {
      return unchanged(undefined);
    }
    const changed = await judge(trx, toOrder(row, kinds), request, now);
    const answer = encodeStanding(changed.result);
    await storeAnswer(trx, { requestId, digest: content, answer, orderId, now });
    return changed;
  });
}

async function judge(
  trx: Transaction<Database>,
  order: Order,
  request: CancelRequest,
  now: Date,
): Promise<ChangeResult<CancelOutcome>> {
  const before = await trx
    .selectFrom("oms_db.oms_cancel_request")
    .select(["cancel_id", "state"])
    .where("order_id", "=", order.orderId)
    .where("state", "in", ["WAITING_FOR_WMS", "CANCELLED"])
    .executeTakeFirst();
  if (before !== undefined) {
    return unchanged({ cancelId: before.cancel_id, state: before.state, refusalReason: "", splitParent: false });
  }
  const { reason, cause } = request;
  const decision = decideCancel(order);
  const refusalReason = decision.kind === "refuse" ? decision.reason : "";
  const state = STATES[decision.kind];
  const answerUntil = decision.kind === "ask-wms" ? new Date(now.getTime() + request.wmsAnswerMs) : undefined;
  const cancelId = nextId();
  await trx
    .insertInto("oms_db.oms_cancel_request")
    .values({
      cancel_id: cancelId,
      order_id: order.orderId,
      state,
      verdict: decision.verdict,
      reason,
      caller: cause.caller,
      operator: cause.operator,
      refusal_reason: refusalReason,
      request_time: now,
      answer_until: answerUntil ?? null,
      finish_time: answerUntil === undefined ? now : null,
    })
    .execute();
  await writeLegacyCancel(trx, order.orderId, answerUntil === undefined ? "CLOSED" : "WMS_ASKED");
  const events: OrderEvent[] = [cancelEvent(order, cancelId, "requested", { reason, cause, now, answerUntil })];
  if (decision.kind === "cancel" || decision.kind === "ask-wms") {
    events.push(...(await setPause(trx, order, { paused: true, reason: "cancel requested", cause, now })));
  }
  if (decision.kind === "cancel") {
    events.push(await cancelNow(trx, { ...order, paused: true }, { reason, cause, now }));
  }
  if (state === "CANCELLED") {
    events.push(cancelEvent(order, cancelId, "done", { reason, cause, now }));
  } else if (state === "REFUSED") {
    events.push(cancelEvent(order, cancelId, "refused", { reason: refusalReason, cause, now }));
  }
  const splitParent = decision.verdict === "SPLIT_PARENT";
  return { result: { cancelId, state, refusalReason, splitParent }, events };
}

const STATES: Readonly<Record<ReturnType<typeof decideCancel>["kind"], CancelRequestState>> = {
  cancel: "CANCELLED",
  done: "CANCELLED",
  "ask-wms": "WAITING_FOR_WMS",
  refuse: "REFUSED",
};

/** Operation 6 as a part of a larger change; the order's row is locked, and the state machine was asked. */
export async function cancelNow(
  trx: Transaction<Database>,
  order: Order,
  { reason, cause, now }: { readonly reason: string; readonly cause: Cause; readonly now: Date },
): Promise<OrderEvent> {
  const report = { status: Status.CANCELLED, by: "operation", requestId: "", remark: reason, cause } as const;
  const move = applyTransition(order, report, now);
  await writeTransition(trx, move, now);
  return move.event;
}

function encodeStanding({ cancelId, state, refusalReason, splitParent }: CancelOutcome): unknown {
  return { cancelId: String(cancelId), state, refusalReason, splitParent };
}

function decodeStanding(answer: unknown): CancelOutcome {
  const { cancelId, ...rest } = answer as Omit<CancelOutcome, "cancelId"> & { readonly cancelId: string };
  return { ...rest, cancelId: BigInt(cancelId) };
}
