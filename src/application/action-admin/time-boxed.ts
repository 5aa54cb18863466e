import type { CallContext } from "../context.ts";

/** Limits of one call that may apply to millions of events. */
export interface BatchLimits {
  /**
   * Maximum number of events in a transaction: some ten milliseconds of locks. From a thousand ids
   * on MariaDB turns the list into a table and locks its rows in any order, so that two concurrent
   * calls could deadlock.
   */
  readonly batch: number;
  /** Maximum number of events changed by a call. */
  readonly events: number;
  /** Maximum duration of a call, in milliseconds. */
  readonly ms: number;
}

export const DEFAULT_LIMITS: BatchLimits = { batch: 500, events: 50_000, ms: 3_000 };

/** Result of a batch. */
export interface Batch<Cursor> {
  /** Number of events changed. */
  readonly count: number;
  /** Where the next batch starts; undefined if nothing is left. */
  readonly next: Cursor | undefined;
}

/**
 * Runs batches until nothing is left or a limit is reached. A caller with a short deadline gets at
 * most half of its time.
 *
 * @param work gets the cursor and the maximum number of events of the batch, which is at least 1
 */
export async function runTimeBoxed<Cursor>(
  { batch, events, ms }: BatchLimits,
  { deadline }: Pick<CallContext, "deadline">,
  first: Cursor,
  work: (cursor: Cursor, limit: number) => Promise<Batch<Cursor>>,
): Promise<Batch<Cursor>> {
  const budgetMs = deadline === undefined ? ms : Math.min(ms, (deadline.getTime() - Date.now()) / 2);
  const end = performance.now() + budgetMs;
  let cursor = first;
  let count = 0;
  for (;;) {
    const done = await work(cursor, Math.min(batch, events - count));
    count += done.count;
    if (done.next === undefined || count >= events || performance.now() >= end) {
      return { count, next: done.next };
    }
    cursor = done.next;
  }
}
