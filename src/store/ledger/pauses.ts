import { type Kysely, sql } from "kysely";
import { inTransaction } from "../mysql/transaction.ts";
import type { ChangeDeps } from "../orders/types.ts";
import type { Database } from "../schema.ts";
import { type Intervention, writeIntervention } from "./interventions.ts";

/** The Actions that a person has paused. */
export async function readPausedActions(db: Kysely<Database>): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom("oms_db.oms_action_switch").select("action").where("paused", "=", 1).execute();
  return new Set(rows.map(({ action }) => action));
}

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

/** An Action that a person holds. */
export interface ActionPause {
  readonly action: string;
  readonly reason: string;
  readonly operator: string;
  readonly since: Date;
}

/** The Actions that are held, by name. */
export async function readActionPauses(db: Kysely<Database>): Promise<ReadonlyMap<string, ActionPause>> {
  const rows = await db
    .selectFrom("oms_db.oms_action_switch")
    .select(["action", "reason", "operator", "change_time"])
    .where("paused", "=", 1)
    .execute();
  return new Map(rows.map(({ change_time, ...row }) => [row.action, { ...row, since: change_time }]));
}
