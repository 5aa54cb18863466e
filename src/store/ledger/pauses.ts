import type { Kysely } from "kysely";
import type { Database } from "../schema.ts";

/** The Actions that a person has paused. */
export async function readPausedActions(db: Kysely<Database>): Promise<ReadonlySet<string>> {
  const rows = await db.selectFrom("oms_db.oms_action_switch").select("action").where("paused", "=", 1).execute();
  return new Set(rows.map(({ action }) => action));
}
