import { type Kysely, sql } from "kysely";
import type { OrderDatabase } from "../mysql/database.ts";
import { idList, inlineLiteral, textList } from "../mysql/literals.ts";
import { withRetries } from "../mysql/transaction.ts";
import { OUTBOX_COLUMNS, toOutboxRow } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";
import { readByIds } from "./candidates.ts";
import { type ClaimDeps, resolveClaims } from "./claim.ts";
import { recordOutcomes } from "./outcomes.ts";
import type { DueClaim, DueEntry, DueRequest, LedgerState } from "./types.ts";

const TABLE = sql.table("oms_db.oms_action_ledger");

/** States in which an entry becomes due. */
const WAITING_STATES = ["RETRYING", "PENDING"] as const;

/**
 * Reads what the due loop decides by, in one statement: the database's time, the paused Actions,
 * and for each Action and state the first entry of its part of an index, however many there are.
 */
export async function readLedgerState(db: OrderDatabase, actions: readonly string[]): Promise<LedgerState> {
  const firstDue = actions.flatMap((action) =>
    WAITING_STATES.map(
      (state) =>
        sql`select 'due', ${inlineLiteral(action)}, min(next_attempt_time) from ${TABLE} where action = ${inlineLiteral(action)} and state = ${inlineLiteral(state)}`,
    ),
  );
  const paused = sql`select 'paused', action, null from ${sql.table("oms_db.oms_action_switch")} where paused = 1`;
  const { rows } = await db.clock.readWith(
    () =>
      sql<{ kind: string; action: string; time: Date | null }>`select 'now' as kind, '' as action, now(3) as time
        union all ${sql.join([paused, ...firstDue], sql` union all `)}`.execute(db),
    (result) => result.rows.find(({ kind }) => kind === "now")?.time ?? undefined,
  );
  const nextDue = new Map<string, Date>();
  for (const { kind, action, time } of rows) {
    const known = nextDue.get(action);
    if (kind === "due" && time !== null && (known === undefined || time < known)) {
      nextDue.set(action, time);
    }
  }
  return { paused: new Set(rows.filter(({ kind }) => kind === "paused").map(({ action }) => action)), nextDue };
}

/**
 * Claims due entries, the longest due first within an Action: failed ones, and those that the
 * broker never delivered.
 */
export async function claimDue(deps: ClaimDeps, { limits, suspectLimits }: DueRequest): Promise<DueClaim> {
  const { ids, more } = await readDueIds(deps.db, limits, deps.db.clock.now());
  if (ids.length === 0) {
    return { entries: [], more: false };
  }
  const rows = await readByIds(deps.db, ids);
  const { acquired, suspects, waiting } = await resolveClaims(deps, rows, suspectLimits);
  const ours = rows.filter(({ id }) => acquired.has(id));
  const events = await readOutboxRows(
    deps.db,
    ours.map(({ outboxId }) => outboxId),
  );
  const entries: DueEntry[] = [];
  for (const { entry, outboxId } of ours) {
    const row = events.get(outboxId);
    if (row === undefined) {
      // Deleted by hand: the service keeps an outbox row as long as a ledger row needs it.
      await recordOutcomes(deps.db, [{ kind: "park", entry, error: "its event is no longer in oms_outbox" }], 0);
    } else {
      entries.push({ entry, row, maxConcurrentSuspects: suspects.get(entry.id) });
    }
  }
  return { entries, more: more || waiting };
}

/**
 * Retries come first. One statement with a part for each Action and state: each walks its part of
 * the index from the oldest entry and stops at its limit, however many are due.
 */
async function readDueIds(
  db: Kysely<Database>,
  limits: ReadonlyMap<string, number>,
  now: Date,
): Promise<{ readonly ids: readonly bigint[]; readonly more: boolean }> {
  const parts = [...limits].flatMap(([action, limit]) =>
    WAITING_STATES.map(
      (state) =>
        sql`(select id, action from ${TABLE} where action = ${action} and state = ${state} and next_attempt_time <= ${now} order by next_attempt_time limit ${sql.lit(limit)})`,
    ),
  );
  if (parts.length === 0) {
    return { ids: [], more: false };
  }
  const { rows } = await sql<{ id: bigint; action: string }>`${sql.join(parts, sql` union all `)}`.execute(db);
  const byAction = Map.groupBy(rows, ({ action }) => action);
  return {
    ids: [...byAction].flatMap(([action, found]) => found.slice(0, limits.get(action)).map(({ id }) => id)),
    more: [...byAction].some(([action, found]) => found.length >= (limits.get(action) ?? 0)),
  };
}

async function readOutboxRows(db: Kysely<Database>, ids: readonly bigint[]) {
  if (ids.length === 0) {
    return new Map();
  }
  const rows = await db.selectFrom("oms_db.oms_outbox").select(OUTBOX_COLUMNS).where("id", "in", idList(ids)).execute();
  return new Map(rows.map((row) => [row.id, toOutboxRow(row)]));
}

/**
 * Makes events due now that were never attempted, so that the next poll for due entries takes them.
 */
export async function makeDue(
  db: OrderDatabase,
  pairs: readonly { readonly messageId: string; readonly action: string }[],
): Promise<void> {
  for (const [action, same] of Map.groupBy(pairs, (pair) => pair.action)) {
    await withRetries(() =>
      db
        .updateTable("oms_db.oms_action_ledger")
        .set({ next_attempt_time: db.clock.now() })
        .where("message_id", "in", textList(same.map(({ messageId }) => messageId)))
        .where("action", "=", action)
        .where("state", "=", "PENDING")
        .where("attempts_started", "=", 0)
        .execute(),
    );
  }
}
