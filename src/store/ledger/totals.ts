import { type Kysely, sql } from "kysely";
import { createBackgroundWriter } from "../../lib/background-writer.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { Database } from "../schema.ts";
import { type AttemptOutcome, MAX_ERROR_LENGTH } from "./outcomes.ts";

/**
 * Totals by Action, for the operators: collected in memory and added to the table in the
 * background.
 */
export interface ActionTotals {
  count(outcomes: readonly AttemptOutcome[], now: Date): void;
  /** Writes what is left; drops what cannot be written now. */
  close(): Promise<void>;
}

/** Totals of an Action's attempts since the service was installed. */
export interface AttemptTotals {
  readonly done: number;
  readonly retries: number;
  /** "" if none failed. */
  readonly lastError: string;
  readonly lastErrorTime: Date | undefined;
}

interface Totals {
  done: number;
  retries: number;
  lastError: string | null;
  lastErrorTime: Date | null;
}

const FLUSH_MS = 1_000;

export function createActionTotals(db: Kysely<Database>): ActionTotals {
  let totals = new Map<string, Totals>();

  const totalsOf = (action: string): Totals => {
    const found = totals.get(action) ?? { done: 0, retries: 0, lastError: null, lastErrorTime: null };
    totals.set(action, found);
    return found;
  };

  const flush = async () => {
    const taken = totals;
    totals = new Map();
    try {
      await withRetries(() => addTotals(db, taken));
      return false;
    } catch (error) {
      for (const [action, { done, retries, lastError, lastErrorTime }] of taken) {
        const kept = totalsOf(action);
        kept.done += done;
        kept.retries += retries;
        kept.lastError ??= lastError;
        kept.lastErrorTime ??= lastErrorTime;
      }
      throw error;
    }
  };

  const writer = createBackgroundWriter(flush, { delayMs: FLUSH_MS, retryMs: FLUSH_MS });

  return {
    count(outcomes, now) {
      for (const outcome of outcomes) {
        const found = totalsOf(outcome.entry.action);
        if (outcome.kind === "done") {
          found.done += 1;
        } else if (outcome.kind === "park" || !outcome.sideEffectFree) {
          found.retries += outcome.kind === "park" ? 0 : 1;
          found.lastError = outcome.error.slice(0, MAX_ERROR_LENGTH);
          found.lastErrorTime = now;
        }
      }
      if (totals.size > 0) {
        writer.schedule();
      }
    },
    close: () => writer.close(),
  };
}

async function addTotals(db: Kysely<Database>, totals: ReadonlyMap<string, Totals>): Promise<void> {
  await db
    .insertInto("oms_db.oms_action_total")
    .values(
      [...totals]
        // Sorted: two servers lock the rows in the same order.
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([action, { done, retries, lastError, lastErrorTime }]) => ({
          action,
          done: BigInt(done),
          retries: BigInt(retries),
          last_error: lastError,
          last_error_time: lastErrorTime,
        })),
    )
    .onDuplicateKeyUpdate({
      done: sql`${sql.ref("done")} + values(${sql.ref("done")})`,
      retries: sql`${sql.ref("retries")} + values(${sql.ref("retries")})`,
      last_error: sql`coalesce(values(${sql.ref("last_error")}), ${sql.ref("last_error")})`,
      last_error_time: sql`coalesce(values(${sql.ref("last_error_time")}), ${sql.ref("last_error_time")})`,
    })
    .execute();
}

/** The totals of all Actions that ran an attempt, by name. */
export async function readAttemptTotals(db: Kysely<Database>): Promise<ReadonlyMap<string, AttemptTotals>> {
  const rows = await db.selectFrom("oms_db.oms_action_total").selectAll().execute();
  return new Map(
    rows.map((row) => [
      row.action,
      {
        done: Number(row.done),
        retries: Number(row.retries),
        lastError: row.last_error ?? "",
        lastErrorTime: row.last_error_time ?? undefined,
      },
    ]),
  );
}
