import { sql } from "kysely";
import { inTransaction } from "../mysql/transaction.ts";
import type { ChangeDeps } from "../orders/types.ts";
import { type Intervention, writeIntervention } from "./intervention.ts";

/**
 * Holds an Action or lets it go on, and writes down who wanted that. Holding one that is held replaces the reason; letting one go on that
 * is not held does nothing.
 *
 * @returns whether it was the other way round before
 */
export function setActionPaused({ db }: ChangeDeps, intervention: Intervention): Promise<boolean> {
  const { kind, action, reason, caller, operator } = intervention;
  const hold = kind === "PAUSE";
  return inTransaction(db, async (trx) => {
    const before = await trx
      .selectFrom("oms_db.oms_action_switch")
      .select("paused")
      .where("action", "=", action)
      .forUpdate()
      .executeTakeFirst();
    const held = before?.paused === 1;
    if (!held && !hold) {
      return false;
    }
    const row = { paused: Number(hold), reason, caller, operator, change_time: sql<Date>`now(3)` };
    await trx
      .insertInto("oms_db.oms_action_switch")
      .values({ action, ...row })
      .onDuplicateKeyUpdate(row)
      .execute();
    await writeIntervention(trx, intervention, 0);
    return held !== hold;
  });
}
