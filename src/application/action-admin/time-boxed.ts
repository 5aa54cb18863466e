import type { CallContext } from "../context.ts";

/** How much one call does of something that may concern millions of events. */
export interface BatchLimits {
  /**
   * Events that one transaction takes at most: some ten milliseconds, so that nobody waits for their locks. Fewer than the thousand ids from
   * which MariaDB makes a table of them, and locks their rows in any order: two people at once would get into each other's way.
   */
  readonly batch: number;
  /** Events that one call changes at most. */
  readonly events: number;
  /** How long one call works, in milliseconds. */
  readonly ms: number;
}

export const DEFAULT_LIMITS: BatchLimits = { batch: 500, events: 50_000, ms: 3_000 };

/** What one batch came to. */
export interface Batch<Place> {
  /** Events that it concerned. */
  readonly count: number;
  /** Where it goes on; undefined where nothing is left. */
  readonly next: Place | undefined;
}

/**
 * Does batch after batch until nothing is left or the portion is full. A caller who waits less long than a portion takes gets a smaller one.
 *
 * @param work gets the place to go on from, and how many events it may take, which is 1 or more
 */
export async function runTimeBoxed<Place>(
  { batch, events, ms }: BatchLimits,
  { deadline }: Pick<CallContext, "deadline">,
  first: Place,
  work: (place: Place, limit: number) => Promise<Batch<Place>>,
): Promise<Batch<Place>> {
  const wanted = deadline === undefined ? ms : Math.min(ms, (deadline.getTime() - Date.now()) / 2);
  const until = performance.now() + wanted;
  let place = first;
  let count = 0;
  for (;;) {
    const done = await work(place, Math.min(batch, events - count));
    count += done.count;
    if (done.next === undefined || count >= events || performance.now() >= until) {
      return { count, next: done.next };
    }
    place = done.next;
  }
}
