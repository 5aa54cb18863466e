import { setTimeout as delay } from "node:timers/promises";
import type { Kysely, Transaction } from "kysely";
import { backOffMs } from "../../lib/back-off.ts";
import type { Database } from "../schema.ts";
import { classifyFailure, DatabaseUnavailableError, type FailureKind } from "./errors.ts";

/** Attempts after which a transaction is given back as DatabaseUnavailableError. */
const MAX_ATTEMPTS = 6;

/** Transactions take milliseconds. Full jitter: two that collided do not collide again. */
const RETRY_BACK_OFF = { baseMs: 8, capMs: 512, jitter: 1 };

/** @param attempts failed attempts so far, 1 or more */
export async function waitBeforeRetry(attempts: number): Promise<void> {
  await delay(backOffMs(RETRY_BACK_OFF, attempts));
}

const RETRYABLE: readonly FailureKind[] = ["deadlock", "lock-timeout"];

/**
 * Retries work after a deadlock or a lock wait timeout (errors 1213 and 1205).
 *
 * @param work a single statement, or a whole transaction
 * @throws DatabaseUnavailableError after the last attempt
 */
export async function withRetries<T>(work: () => Promise<T>, retryable = RETRYABLE): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!retryable.includes(classifyFailure(error))) {
        throw error;
      }
      if (attempt === MAX_ATTEMPTS) {
        throw new DatabaseUnavailableError(error);
      }
      await waitBeforeRetry(attempt);
    }
  }
}

/**
 * A transaction with retries. `work` may run several times, and must have no effect outside `trx`.
 */
export function inTransaction<T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<T>,
  retryable?: readonly FailureKind[],
): Promise<T> {
  return withRetries(() => db.transaction().execute(work), retryable);
}
