import { type Kysely, sql } from "kysely";
import { createTotalsWriter } from "../../lib/totals-writer.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { Database } from "../schema.ts";
import { type AttemptOutcome, MAX_ERROR_LENGTH } from "./outcomes.ts";

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

/**
 * Totals by Action, for the operators: collected in memory and added to the table in the
 * background.
 */
export interface ActionTotals {
  count(outcomes: readonly AttemptOutcome[], now: Date): void;
  /** Writes what is left; drops what cannot be written now. */
  close(): Promise<void>;
}

const FLUSH_MS = 1_000;

export function createActionTotals(db: Kysely<Database>): ActionTotals {
  const writer = createTotalsWriter<Totals>((totals) => withRetries(() => addTotals(db, totals)), {
    create: () => ({ done: 0, retries: 0, lastError: null, lastErrorTime: null }),
    merge(current, { done, retries, lastError, lastErrorTime }) {
      current.done += done;
      current.retries += retries;
      current.lastError ??= lastError;
      current.lastErrorTime ??= lastErrorTime;
    },
    intervalMs: FLUSH_MS,
  });

  return {
    count(outcomes, now) {
      for (const outcome of outcomes) {
        const totals = writer.of(outcome.entry.action);
        if (outcome.kind === "done") {
          totals.done += 1;
        } else if (outcome.kind === "park" || !outcome.sideEffectFree) {
          totals.retries += outcome.kind === "park" ? 0 : 1;
          totals.lastError = outcome.error.slice(0, MAX_ERROR_LENGTH);
          totals.lastErrorTime = now;
        }
      }
    },
    close: () => writer.close(),
  };
}

async function addTotals(db: Kysely<Database>, totals: readonly (readonly [string, Totals])[]): Promise<void> {
  await db
    .insertInto("oms_db.oms_action_total")
    .values(
      totals.map(([action, { done, retries, lastError, lastErrorTime }]) => ({
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
