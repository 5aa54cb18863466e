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
}

/**
 * Maximum age of a reading, in milliseconds: two quartz clocks differ by less than 0.1 ms after it.
 */
const MAX_AGE_MS = 1_000;

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

  const sync = async () => {
    lastRead = performance.now();
    const { rows } = await sql<{ now: Date }>`select now(3) as now`.execute(db);
    const answered = performance.now();
    const took = answered - lastRead;
    const [row] = rows;
    if (row !== undefined && (took < MAX_ROUND_TRIP_MS || answered - lastExact > MAX_EXACT_AGE_MS)) {
      offset = row.now.getTime() + took / 2 - answered;
      lastExact = answered;
    }
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
  };
}
