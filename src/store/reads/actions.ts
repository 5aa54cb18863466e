import type { Kysely } from "kysely";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { ActionState, Database } from "../schema.ts";

export interface OpenAction {
  readonly messageId: string;
  readonly action: string;
  readonly state: ActionState;
  /** Started so far. */
  readonly attempts: number;
  /** "" where none failed yet. */
  readonly lastError: string;
  /** When it is tried again or looked after; null where a person has to decide. */
  readonly nextAttemptTime: Date | null;
}

/** The order's Actions that are not done, oldest event first. */
export async function readOpenActions(db: Kysely<Database>, orderId: bigint): Promise<OpenAction[]> {
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select(["message_id", "action", "state", "attempts_started", "last_error", "next_attempt_time"])
    .where("order_id", "=", orderId)
    .where("state", "in", OPEN_STATES)
    .orderBy("id")
    .execute();
  return rows.map((row) => ({
    messageId: row.message_id,
    action: row.action,
    state: row.state,
    attempts: row.attempts_started,
    lastError: row.last_error ?? "",
    nextAttemptTime: row.next_attempt_time,
  }));
}
