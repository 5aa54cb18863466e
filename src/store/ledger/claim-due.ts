import type { Kysely } from "kysely";
import { OUTBOX_COLUMNS, toOutboxRow } from "../outbox.ts";
import type { Database } from "../schema.ts";
import { readByIds } from "./candidates.ts";
import { type ClaimDeps, settle } from "./claim.ts";
import { finishAll } from "./finish.ts";
import type { DueEntry } from "./types.ts";

/** Begins attempts of what is due, oldest due first: what failed before, and what the broker never brought. */
export async function claimDue(deps: ClaimDeps, actions: readonly string[], limit: number): Promise<DueEntry[]> {
  const now = new Date();
  const ids = await readDueIds(deps.db, actions, now, limit);
  if (ids.length === 0) {
    return [];
  }
  const rows = await readByIds(deps.db, ids);
  const taken = await settle(deps, rows, now);
  const ours = rows.filter(({ id }) => taken.has(id));
  const events = await readOutboxRows(
    deps.db,
    ours.map(({ outboxId }) => outboxId),
  );
  const due: DueEntry[] = [];
  for (const { entry, outboxId } of ours) {
    const row = events.get(outboxId);
    if (row === undefined) {
      // Only a hand in the tables does that: a row is kept as long as a ledger row needs it.
      await finishAll(deps.db, [{ kind: "park", entry, error: "its event is no longer in oms_outbox" }], 0);
    } else {
      due.push({ entry, row });
    }
  }
  return due;
}

/** One query per state: each walks its part of the index from the oldest on and stops at the limit. */
async function readDueIds(
  db: Kysely<Database>,
  actions: readonly string[],
  now: Date,
  limit: number,
): Promise<bigint[]> {
  const ids: bigint[] = [];
  for (const state of ["RETRYING", "PENDING"] as const) {
    const rows = await db
      .selectFrom("oms_db.oms_action_ledger")
      .select("id")
      .where("state", "=", state)
      .where("next_attempt_time", "<=", now)
      .where("action", "in", actions)
      .orderBy("next_attempt_time")
      .limit(limit - ids.length)
      .execute();
    ids.push(...rows.map(({ id }) => id));
  }
  return ids;
}

async function readOutboxRows(db: Kysely<Database>, ids: readonly bigint[]) {
  if (ids.length === 0) {
    return new Map();
  }
  const rows = await db.selectFrom("oms_db.oms_outbox").select(OUTBOX_COLUMNS).where("id", "in", ids).execute();
  return new Map(rows.map((row) => [row.id, toOutboxRow(row)]));
}
