import type { OrderEvent } from "../../domain/events.ts";
import type { OrderKinds } from "../../domain/order-kinds.ts";
import { obstacleToCancel } from "../../domain/reversal.ts";
import type { Cause } from "../committer/types.ts";
import { toOrder } from "../order-row.ts";
import type { CancelRequestState } from "../schema.ts";
import { cancelEvent, writeOldCancel } from "./cancel-records.ts";
import { change, lockOrders, unchanged } from "./change.ts";
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
  readonly cause: Cause;
}

/**
 * The WMS's answer, or that there was none: the order is cancelled, or goes on, in one commit with the request's end. A request that is
 * closed stays as it is, so that of two answers the first one counts. Undefined where there is no such request.
 */
export function closeCancel(
  deps: ChangeDeps,
  kinds: OrderKinds,
  { orderId, cancelId, agreed, reason, cause }: CancelAnswer,
): Promise<CancelRequestState | undefined> {
  return change<CancelRequestState | undefined>(deps, async (trx, now) => {
    const [row] = await lockOrders(trx, [orderId]);
    const request = await trx
      .selectFrom("oms_db.oms_cancel_request")
      .select(["cancel_id", "state", "reason"])
      .where("order_id", "=", orderId)
      .$if(cancelId !== undefined, (query) => query.where("cancel_id", "=", cancelId as bigint))
      .orderBy("cancel_id", "desc")
      .limit(1)
      .executeTakeFirst();
    if (row === undefined || request === undefined || request.state !== "WAITING_FOR_WMS") {
      return unchanged(request?.state);
    }
    const order = toOrder(row, kinds);
    const id = request.cancel_id;
    const obstacle = agreed ? obstacleToCancel(order) : reason;
    const events: OrderEvent[] = agreed ? [cancelEvent(order, id, "agreed", { reason, cause, now })] : [];
    if (obstacle === undefined) {
      events.push(await cancelNow(trx, order, { reason: request.reason, cause, now }));
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
    await writeOldCancel(trx, orderId, "CLOSED");
    return { result: state, events };
  });
}
