import type { Transaction } from "kysely";
import { CANCELLED_ORDER_TYPE } from "../../domain/order-kinds.ts";
import { Status } from "../../domain/state-machine.ts";
import type { Database } from "../schema.ts";
import type { AppliedTransition } from "./transition.ts";

/** Writes a move of one order, whose row is locked, with its history: what the committer does for many at a time. */
export async function writeTransition(
  trx: Transaction<Database>,
  { after, event }: AppliedTransition,
  now: Date,
): Promise<void> {
  const { orderId, status, paused, isFinish, version, passed, statusTime } = after;
  await trx
    .updateTable("oms_db.oms_order_status")
    .set({
      order_status: status,
      is_pause: Number(paused),
      is_finish: Number(isFinish),
      version,
      passed_states: passed,
      status_time: statusTime,
      update_date: now,
    })
    .where("order_id", "=", orderId)
    .execute();
  if (status === Status.CANCELLED) {
    await trx
      .updateTable("oms_db.oms_order_main")
      .set({ order_type: CANCELLED_ORDER_TYPE, update_date: now, modify_date: now })
      .where("order_id", "=", orderId)
      .execute();
  }
  await writeHistory(trx, [event]);
}

/** The lines of the history that status changes leave. */
export async function writeHistory(
  trx: Transaction<Database>,
  events: readonly AppliedTransition["event"][],
): Promise<void> {
  await trx
    .insertInto("oms_db.oms_status_history")
    .values(
      events.map((event) => ({
        order_id: event.orderId,
        version: event.version,
        from_status: event.fromStatus,
        to_status: event.toStatus,
        outcome: "APPLIED" as const,
        occur_time: event.occurTime,
        record_time: event.recordTime,
        caller: event.caller,
        operator: event.operator,
        request_id: event.requestId,
        remark: event.remark,
        traceparent: event.traceparent,
      })),
    )
    .execute();
}
