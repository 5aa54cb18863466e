import type { Kysely } from "kysely";
import { OPEN_STATES } from "../outbox.ts";
import type { Database } from "../schema.ts";
import type { OpenCount } from "./types.ts";

/** How much of these Actions is open, of each that has anything open; read from an index, without the rows. */
export async function readOpenCounts(db: Kysely<Database>, actions: readonly string[]): Promise<OpenCount[]> {
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select(({ fn }) => ["action", "state", fn.countAll<bigint>().as("count")])
    .where("action", "in", actions)
    .where("state", "in", OPEN_STATES)
    .groupBy(["action", "state"])
    .execute();
  return [...Map.groupBy(rows, ({ action }) => action)].map(([action, counts]) => {
    const of = (state: string) => Number(counts.find((row) => row.state === state)?.count ?? 0);
    return { action, pending: of("PENDING"), retrying: of("RETRYING"), parked: of("PARKED") };
  });
}
