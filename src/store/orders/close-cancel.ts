import type { OrderEvent } from "../../domain/events.ts";
import type { OrderKinds } from "../../domain/order-kinds.ts";
import { cancelRefusal } from "../../domain/reversal.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Cause } from "../commit/types.ts";
import { digest } from "../mysql/digest.ts";
import type { CancelRequestState } from "../schema.ts";
import { cancelEvent, writeLegacyCancel } from "./cancel-records.ts";
import { commitChange, lockOrders, unchanged } from "./change.ts";
import { toOrder } from "./order-row.ts";
import { readStoredAnswer, storeAnswer } from "./request-answer.ts";
import { cancelNow } from "./request-cancel.ts";
import { setPause } from "./set-pause.ts";
import type { ChangeDeps } from "./types.ts";

export interface CancelAnswer {
  readonly orderId: bigint;
  /** Undefined: the one that waits for its answer, or else the last one. */
  readonly cancelId: bigint | undefined;
  readonly agreed: boolean;
  /** Why not; "" where it was agreed. */
  readonly reason: string;
  /** "" for none: a repeat must not close a request that came after the one it was meant for. */
  readonly requestId: string;
  readonly cause: Cause;
}

type CloseResult = CancelRequestState | "request-id-reused" | undefined;

/**
 * The WMS's answer, or that there was none: the order is cancelled, or goes on, in one commit with the request's end. A request that is
 * closed stays as it is, so that of two answers the first one counts. Undefined where there is no such request.
 */
export function closeCancel(
  deps: ChangeDeps,
  kinds: OrderKinds,
  { orderId, cancelId, agreed, reason, requestId, cause }: CancelAnswer,
): Promise<CloseResult> {
  const content = digest(["cancel answered", String(orderId), agreed, reason, cause.operator]);
  return commitChange<CloseResult>(deps, async (trx, now) => {
    const [row] = await lockOrders(trx, [orderId]);
    const known = await readStoredAnswer(trx, requestId, content);
    if (known !== undefined) {
      return unchanged(known === "reused" ? "request-id-reused" : (known.answer as CancelRequestState));
    }
    const request = await trx
      .selectFrom("oms_db.oms_cancel_request")
      .select(["cancel_id", "state", "reason"])
      .where("order_id", "=", orderId)
      .$if(cancelId !== undefined, (query) => query.where("cancel_id", "=", cancelId as bigint))
      .orderBy("cancel_id", "desc")
      .limit(1)
      .executeTakeFirst();
    if (row === undefined || request === undefined) {
      return unchanged(undefined);
    }
    if (request.state !== "WAITING_FOR_WMS") {
      await storeAnswer(trx, { requestId, digest: content, answer: request.state, orderId, now });
      return unchanged(request.state);
    }
    const order = toOrder(row, kinds);
    const id = request.cancel_id;
    // Somebody may have cancelled it by operation 6 meanwhile: then it is what was asked for.
    const cancelled = order.status === Status.CANCELLED;
    const obstacle = cancelled ? undefined : agreed ? cancelRefusal(order) : reason;
    const events: OrderEvent[] = agreed ? [cancelEvent(order, id, "agreed", { reason, cause, now })] : [];
    if (obstacle === undefined) {
      if (!cancelled) {
        events.push(await cancelNow(trx, order, { reason: request.reason, cause, now }));
      }
      events.push(cancelEvent(order, id, "done", { reason: request.reason, cause, now }));
    } else {
      events.push(...(await setPause(trx, order, { paused: false, reason: "cancel refused", cause, now })));
      events.push(cancelEvent(order, id, "refused", { reason: obstacle, cause, now }));
    }
    const state = obstacle === undefined ? "CANCELLED" : "REFUSED";
    await trx
      .updateTable("oms_db.oms_cancel_request")
      .set({ state, refusal_reason: obstacle ?? "", finish_time: now })
      .where("cancel_id", "=", id)
      .execute();
    await writeLegacyCancel(trx, orderId, "CLOSED");
    await storeAnswer(trx, { requestId, digest: content, answer: state, orderId, now });
    return { result: state, events };
  });
}
