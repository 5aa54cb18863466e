import { setTimeout as sleep } from "node:timers/promises";
import type { Kysely, Transaction } from "kysely";
import type { Database } from "../schema.ts";
import { DatabaseUnavailableError } from "./errors.ts";
import { classifyFailure, type FailureKind } from "./failures.ts";

/** How often a transaction is tried before it counts as impossible for now. */
const MAX_ATTEMPTS = 6;

/** Others' transactions take milliseconds: so long is the first pause at most; it doubles. */
const FIRST_PAUSE_MS = 4;

/** Waits before the attempt after `attempt` (1, 2 …): exponential, with full jitter so that two that met do not meet again. */
export function waitBeforeRetry(attempt: number): Promise<void> {
  return sleep(Math.random() * FIRST_PAUSE_MS * 2 ** attempt);
}

const AGAIN: readonly FailureKind[] = ["deadlock", "lock-timeout"];

/**
 * Does something whole again when the database gave way to somebody else (1213, 1205). `work` has to begin its own transaction or
 * be a single statement.
 */
export async function withRetries<T>(work: () => Promise<T>, again = AGAIN): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!again.includes(classifyFailure(error))) {
        throw error;
      }
      if (attempt === MAX_ATTEMPTS) {
        throw new DatabaseUnavailableError(error);
      }
      await waitBeforeRetry(attempt);
    }
  }
}

/** One transaction, tried again as a whole (see `retried`): `work` may run several times, and must have no effect but in `trx`. */
export function inTransaction<T>(
  db: Kysely<Database>,
  work: (trx: Transaction<Database>) => Promise<T>,
  again?: readonly FailureKind[],
): Promise<T> {
  return withRetries(() => db.transaction().execute(work), again);
}
