import type { Kysely } from "kysely";
import type { Database } from "../schema.ts";

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
