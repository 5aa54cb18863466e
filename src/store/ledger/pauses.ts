import { type Kysely, sql } from "kysely";
import type { Operator } from "../../domain/operator.ts";
import { inTransaction } from "../mysql/transaction.ts";
import type { Database } from "../schema.ts";
import { type Intervention, type InterventionDeps, writeIntervention } from "./interventions.ts";

/**
 * Pauses or resumes an Action, and records the intervention. Pausing a paused Action replaces the
 * reason; resuming one that is not paused does nothing.
 *
 * @returns whether this changed it
 */
export async function setActionPaused({ db, onDue }: InterventionDeps, intervention: Intervention): Promise<boolean> {
  const { kind, action, reason, caller, operator, authenticatedOperator } = intervention;
  const pause = kind === "PAUSE";
  const changed = await inTransaction(db, async (trx) => {
    const before = await trx
      .selectFrom("oms_db.oms_action_switch")
      .select("paused")
      .where("action", "=", action)
      .forUpdate()
      .executeTakeFirst();
    const wasPaused = before?.paused === 1;
    if (!wasPaused && !pause) {
      return false;
    }
    const row = {
      paused: Number(pause),
      reason,
      caller,
      operator,
      authenticated_operator: authenticatedOperator,
      change_time: sql<Date>`now(3)`,
    };
    await trx
      .insertInto("oms_db.oms_action_switch")
      .values({ action, ...row })
      .onDuplicateKeyUpdate(row)
      .execute();
    await writeIntervention(trx, intervention, 0);
    return wasPaused !== pause;
  });
  onDue?.();
  return changed;
}

/** The pause of an Action. */
export interface ActionPause extends Operator {
  readonly action: string;
  readonly reason: string;
  readonly since: Date;
}

/** The pauses in force, by Action. */
export async function readActionPauses(db: Kysely<Database>): Promise<ReadonlyMap<string, ActionPause>> {
  const rows = await db
    .selectFrom("oms_db.oms_action_switch")
    .select(["action", "reason", "operator", "authenticated_operator", "change_time"])
    .where("paused", "=", 1)
    .execute();
  return new Map(
    rows.map(({ change_time, authenticated_operator, ...row }) => [
      row.action,
      { ...row, authenticatedOperator: authenticated_operator, since: change_time },
    ]),
  );
}
