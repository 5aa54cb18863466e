import { randomUUID } from "node:crypto";
import type { Transaction } from "kysely";
import type { PauseChanged } from "../../domain/events.ts";
import type { Cause } from "../commit/types.ts";
import { eventContext } from "../outbox/event-context.ts";
import type { Database } from "../schema.ts";
import type { Order } from "./order-row.ts";

/** Pauses or resumes an order whose row is locked: what the committer does for many, as a part of a larger change. */
export async function setPause(
  trx: Transaction<Database>,
  order: Order,
  {
    paused,
    reason,
    cause,
    now,
  }: { readonly paused: boolean; readonly reason: string; readonly cause: Cause; readonly now: Date },
): Promise<PauseChanged[]> {
  if (order.paused === paused) {
    return [];
  }
  await trx
    .updateTable("oms_db.oms_order_status")
    .set({ is_pause: Number(paused), update_date: now })
    .where("order_id", "=", order.orderId)
    .execute();
  const { orderId, status, warehouseCount } = order;
  const context = eventContext(order, `${orderId}-pause-${randomUUID()}`, cause, now);
  return [{ type: "pause-changed", ...context, paused, reason, status, warehouseCount }];
}
