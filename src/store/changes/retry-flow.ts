import type { Kysely } from "kysely";
import type { FlowStep } from "../../domain/flow.ts";
import type { Database } from "../schema.ts";
import { retried } from "../transaction.ts";

/**
 * Makes the last run of an order's step due now, where it waits for its next try or was given up. A run that is under way stays as it
 * is. One that was given up after its last attempt gets one more.
 */
export async function retryStep(db: Kysely<Database>, orderId: bigint, step: FlowStep): Promise<void> {
  const last = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select("id")
    .where("order_id", "=", orderId)
    .where("action", "=", step)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  if (last === undefined) {
    return;
  }
  await retried(() =>
    db
      .updateTable("oms_db.oms_action_ledger")
      .set(({ ref }) => ({
        state: "RETRYING",
        next_attempt_time: new Date(),
        finish_time: null,
        // Started and never finished too often is no longer held against it.
        attempts_finished: ref("attempts_started"),
      }))
      .where("id", "=", last.id)
      .where(({ or, and, eb }) =>
        or([
          eb("state", "in", ["PARKED", "DISCARDED"]),
          // While an attempt runs, next_attempt_time is its lease.
          and([eb("state", "=", "RETRYING"), eb("attempts_started", "=", eb.ref("attempts_finished"))]),
        ]),
      )
      .execute(),
  );
}
