import { type Kysely, sql } from "kysely";
import { withRetries } from "../mysql/transaction.ts";
import type { Database } from "../schema.ts";
import { type AttemptOutcome, MAX_ERROR_LENGTH } from "./finish.ts";

/** Sums by Action, for people: kept in memory, and added to the table now and then, so that no attempt waits for them. */
export interface ActionTotals {
  count(finishes: readonly AttemptOutcome[], now: Date): void;
  /** Adds up what is left. */
  close(): Promise<void>;
}

interface Sum {
  done: number;
  retries: number;
  lastError: string | null;
  lastErrorTime: Date | null;
}

const FLUSH_MS = 1_000;

export function createActionTotals(db: Kysely<Database>): ActionTotals {
  let sums = new Map<string, Sum>();
  let flushing = Promise.resolve();

  const sumOf = (action: string): Sum => {
    const sum = sums.get(action) ?? { done: 0, retries: 0, lastError: null, lastErrorTime: null };
    sums.set(action, sum);
    return sum;
  };

  const flush = async () => {
    if (sums.size === 0) {
      return;
    }
    const taken = sums;
    sums = new Map();
    try {
      await withRetries(() => add(db, taken));
    } catch {
      // The database is away: with the next ones.
      for (const [action, { done, retries, lastError, lastErrorTime }] of taken) {
        const sum = sumOf(action);
        sum.done += done;
        sum.retries += retries;
        sum.lastError ??= lastError;
        sum.lastErrorTime ??= lastErrorTime;
      }
    }
  };

  const flushInTurn = () => {
    flushing = flushing.then(flush);
    return flushing;
  };

  const timer = setInterval(flushInTurn, FLUSH_MS);
  timer.unref();

  return {
    count(finishes, now) {
      for (const finish of finishes) {
        const sum = sumOf(finish.entry.action);
        if (finish.kind === "done") {
          sum.done += 1;
        } else if (finish.kind === "park" || !finish.sideEffectFree) {
          sum.retries += finish.kind === "park" ? 0 : 1;
          sum.lastError = finish.error.slice(0, MAX_ERROR_LENGTH);
          sum.lastErrorTime = now;
        }
      }
    },
    close() {
      clearInterval(timer);
      return flushInTurn();
    },
  };
}

async function add(db: Kysely<Database>, sums: ReadonlyMap<string, Sum>): Promise<void> {
  await db
    .insertInto("oms_db.oms_action_total")
    .values(
      [...sums]
        // By name: two servers do not wait for each other in a circle.
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
