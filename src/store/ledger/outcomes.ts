import { type Kysely, sql } from "kysely";
import type { OrderDatabase } from "../mysql/database.ts";
import { idList, inlineLiteral } from "../mysql/literals.ts";
import { inTransaction, withRetries } from "../mysql/transaction.ts";
import { deleteFinished } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";
import type { LedgerEntry } from "./types.ts";

/** Result of an attempt. */
export type AttemptOutcome = { readonly kind: "done"; readonly entry: LedgerEntry } | FailedAttempt;

export type FailedAttempt =
  | {
      readonly kind: "retry";
      readonly entry: LedgerEntry;
      readonly error: string;
      readonly at: Date;
      /** Neither this attempt nor an earlier one had side effects. */
      readonly sideEffectFree: boolean;
    }
  | { readonly kind: "park"; readonly entry: LedgerEntry; readonly error: string };

/** Length of the column `last_error`, in characters. */
export const MAX_ERROR_LENGTH = 1_000;

/**
 * Records results of attempts, in one commit. Idempotent. The outbox row of an event older than
 * `outboxRetentionMs` may have been kept for this Action alone, and is then deleted.
 */
export async function recordOutcomes(
  db: OrderDatabase,
  outcomes: readonly AttemptOutcome[],
  outboxKeepMs: number,
): Promise<void> {
  const now = db.clock.now();
  const sorted = outcomes.toSorted((a, b) => Number(a.entry.id - b.entry.id));
  const done = sorted.filter(({ kind }) => kind === "done").map(({ entry }) => entry);
  const failed = sorted.filter((outcome) => outcome.kind !== "done");
  if (failed.length === 0) {
    await withRetries(() => markDone(db, done, now));
  } else {
    await inTransaction(db, async (trx) => {
      await markDone(trx, done, now);
      for (const attempt of failed) {
        await markFailed(trx, attempt, now);
      }
    });
  }
  const late = done.filter(({ firstTime }) => now.getTime() - firstTime.getTime() >= outboxKeepMs);
  await deleteFinished(db, await readOutboxIds(db, late));
}

async function markDone(db: Kysely<Database>, entries: readonly LedgerEntry[], now: Date): Promise<void> {
  if (entries.length > 0) {
    await sql`update ${sql.table("oms_db.oms_action_ledger")} set state = 'DONE', attempts_finished = attempts_started,
      next_attempt_time = null, finish_time = ${inlineLiteral(now)}
      where id in ${idList(entries.map(({ id }) => id))} and state not in ('DONE', 'DISCARDED')`.execute(db);
  }
}

/** Only the latest attempt counts: one whose lease expired has been taken over. */
async function markFailed(db: Kysely<Database>, failed: FailedAttempt, now: Date): Promise<void> {
  const next =
    failed.kind === "retry"
      ? {
          state: "RETRYING" as const,
          next_attempt_time: failed.at,
          ...(failed.sideEffectFree ? { clean_attempts: failed.entry.attempt } : {}),
        }
      : { state: "PARKED" as const, next_attempt_time: null, finish_time: now };
  await db
    .updateTable("oms_db.oms_action_ledger")
    .set({ ...next, attempts_finished: failed.entry.attempt, last_error: failed.error.slice(0, MAX_ERROR_LENGTH) })
    .where("id", "=", failed.entry.id)
    .where("attempts_started", "=", failed.entry.attempt)
    .where("state", "in", ["PENDING", "RETRYING"])
    .execute();
}

async function readOutboxIds(db: Kysely<Database>, entries: readonly LedgerEntry[]): Promise<bigint[]> {
  if (entries.length === 0) {
    return [];
  }
  const rows = await db
    .selectFrom("oms_db.oms_action_ledger")
    .select("outbox_id")
    .distinct()
    .where(
      "id",
      "in",
      entries.map(({ id }) => id),
    )
    .execute();
  return rows.map(({ outbox_id }) => outbox_id);
}
