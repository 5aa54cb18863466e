import { type Kysely, sql } from "kysely";
import type { Database } from "../schema.ts";

/**
 * The database's time. Leases, back-offs and timers are read by several servers, so one clock
 * writes them: a server whose own clock is wrong or is set back neither takes over leases that
 * still hold nor leaves work lying.
 */
export interface Clock {
  /** The database's time, extrapolated from the last reading by the monotonic clock. */
  now(): Date;
  /** Reads the database's time. Before the first reading, `now` is this server's own time. */
  sync(): Promise<void>;
  /**
   * Takes a reading from a query that is made anyway.
   *
   * @param timeOf the value of `now(3)` in the query's result
   */
  readWith<T>(query: () => Promise<T>, timeOf: (result: T) => Date | undefined): Promise<T>;
}

/**
 * Maximum age of a reading, in milliseconds: two quartz clocks differ by less than 0.3 ms after it.
 * Longer than an idle server's polls of the ledger are apart, each of which takes a reading.
 */
const MAX_AGE_MS = 3_000;

/**
 * A reading that took longer than this, in milliseconds, is too inexact, unless the last exact one
 * is too old.
 */
const MAX_ROUND_TRIP_MS = 100;
const MAX_EXACT_AGE_MS = 60_000;

/**
 * A clock that reads the database's time in the background, when `now` is called and the last
 * reading is too old.
 */
export function openClock(db: Kysely<Database>): Clock {
  /** What to add to the monotonic clock. */
  let offset: number | undefined;
  let lastExact = Number.NEGATIVE_INFINITY;
  let lastRead = Number.NEGATIVE_INFINITY;

  const readWith = async <T>(query: () => Promise<T>, timeOf: (result: T) => Date | undefined): Promise<T> => {
    const asked = performance.now();
    const result = await query();
    const answered = performance.now();
    const took = answered - asked;
    const time = timeOf(result);
    if (time !== undefined && (took < MAX_ROUND_TRIP_MS || answered - lastExact > MAX_EXACT_AGE_MS)) {
      offset = time.getTime() + took / 2 - answered;
      lastExact = answered;
      // One that was too inexact does not replace a reading of its own.
      lastRead = asked;
    }
    return result;
  };

  const sync = async () => {
    lastRead = performance.now();
    await readWith(
      () => sql<{ now: Date }>`select now(3) as now`.execute(db),
      ({ rows }) => rows[0]?.now,
    );
  };

  return {
    now() {
      const monotonic = performance.now();
      if (monotonic - lastRead > MAX_AGE_MS) {
        // While the database is unavailable, the monotonic clock continues alone.
        sync().catch(() => {});
      }
      return new Date(offset === undefined ? Date.now() : monotonic + offset);
    },
    sync,
    readWith,
  };
}
