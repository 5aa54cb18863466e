import { type Kysely, sql } from "kysely";
import type { Database } from "../schema.ts";

/**
 * The database's time. Leases, back-offs and timers are read by several servers, so they are written by one clock: a server whose own
 * clock is wrong, or is put right by an hour, neither takes over what others do nor leaves work lying for that hour.
 */
export interface Clock {
  /** The time at the database, as of the last look at it; between two looks the monotonic clock goes on. */
  now(): Date;
  /** Looks at it now. Until the first time it is this server's own time. */
  sync(): Promise<void>;
}

/** How old a look may be, in milliseconds: two good quartz clocks part by less than a tenth of one meanwhile. */
const LOOK_EVERY_MS = 1_000;

/** A look that took longer tells too little of when it was answered, in milliseconds; unless the last good one is too old. */
const GOOD_LOOK_MS = 100;
const TOO_OLD_MS = 60_000;

/** Looks at the database's time when somebody asks for the time and the last look is too old; nobody waits for that. */
export function openClock(db: Kysely<Database>): Clock {
  /** What to add to the monotonic clock. */
  let offset: number | undefined;
  let goodSince = Number.NEGATIVE_INFINITY;
  let looked = Number.NEGATIVE_INFINITY;

  const sync = async () => {
    looked = performance.now();
    const { rows } = await sql<{ now: Date }>`select now(3) as now`.execute(db);
    const answered = performance.now();
    const took = answered - looked;
    const [row] = rows;
    if (row !== undefined && (took < GOOD_LOOK_MS || answered - goodSince > TOO_OLD_MS)) {
      offset = row.now.getTime() + took / 2 - answered;
      goodSince = answered;
    }
  };

  return {
    now() {
      const monotonic = performance.now();
      if (monotonic - looked > LOOK_EVERY_MS) {
        // The database is away: the monotonic clock will do until it is back.
        sync().catch(() => {});
      }
      return new Date(offset === undefined ? Date.now() : monotonic + offset);
    },
    sync,
  };
}
