import { setTimeout as delay } from "node:timers/promises";
import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { ALWAYS_HELD, type Lease } from "../../store/leases/index.ts";
import { type Location, openDatabase } from "../../store/mysql/database.ts";
import { RetentionUserError } from "../../store/mysql/errors.ts";
import { checkPrivileges } from "../../store/users/check-privileges.ts";
import { RETENTION_PRIVILEGES } from "../../store/users/grants.ts";
import { createCursors, type RetentionPeriods, runPass, type Session, type Table } from "./pass.ts";

export type { RetentionPeriods } from "./pass.ts";

/**
 * Rest after each step, as a multiple of its duration: the job uses at most a fifth of one
 * connection's time.
 */
const REST_FACTOR = 4;

/**
 * Duration of a step on an idle database, in milliseconds. A slower step shared the database with
 * calls, so its rest is longer in proportion, up to `MAX_SLOWDOWN` times.
 */
const IDLE_STEP_MS = 5;
const MAX_SLOWDOWN = 10;

/** Delay after an interrupted pass, in milliseconds. */
const MAX_RETRY_MS = 60_000;

/** Whether no row is ever deleted. */
export function keepsEverything({ historyMs, requestLogMs }: RetentionPeriods): boolean {
  return Math.min(historyMs, requestLogMs) === Number.POSITIVE_INFINITY;
}

/**
 * Checks that the job can do its work as the user of this location, if there is any.
 *
 * @throws RetentionUserError
 */
export async function checkRetentionUser(location: Location, periods: RetentionPeriods): Promise<void> {
  if (keepsEverything(periods)) {
    return;
  }
  try {
    await checkPrivileges(location, RETENTION_PRIVILEGES);
  } catch (error) {
    throw new RetentionUserError(error);
  }
}

/**
 * Starts the retention job: deletes the rows whose retention period is over, in small steps with
 * rests. The holder of the lease runs it. Does nothing where everything is kept forever.
 */
export function startRetention({
  location,
  log,
  metrics,
  periods,
  lease = ALWAYS_HELD,
  intervalMs,
}: {
  /** The database, for a user that may delete rows. */
  readonly location: Location;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly periods: RetentionPeriods;
  /** By default this server is the one. */
  readonly lease?: Lease;
  /** Interval from the end of one pass to the start of the next, in milliseconds. */
  readonly intervalMs: number;
}): Pick<PollLoop, "stop"> {
  const cursors = createCursors();

  /** A step and its rest; rejects once the job is stopped or the lease is lost. */
  const stepUntil =
    (signal: AbortSignal) =>
    async <T>(work: () => Promise<T>): Promise<T> => {
      signal.throwIfAborted();
      if (!lease.isHeld()) {
        throw new Error("another server runs the retention job now");
      }
      const started = performance.now();
      const result = await work();
      const tookMs = performance.now() - started;
      metrics.retentionStepDuration.observe(tookMs / 1_000);
      const slowdown = Math.min(Math.max(1, tookMs / IDLE_STEP_MS), MAX_SLOWDOWN);
      await delay(tookMs * REST_FACTOR * slowdown, undefined, { signal, ref: false });
      return result;
    };

  const pass = async (session: Session, signal: AbortSignal) => {
    const deleted = new Map<Table, number>();
    const started = performance.now();
    await runPass({
      session,
      periods,
      cursors,
      step: stepUntil(signal),
      onDeleted(table, rows) {
        metrics.retentionDeletedRows.inc({ table }, rows);
        deleted.set(table, (deleted.get(table) ?? 0) + rows);
      },
    });
    metrics.retentionLastPass.setToCurrentTime();
    const seconds = Math.round((performance.now() - started) / 1_000);
    log.info({ deleted: Object.fromEntries(deleted), seconds }, "retention pass finished");
  };

  /** A pass on a connection of its own. */
  const run = async (signal: AbortSignal) => {
    if (!lease.isHeld()) {
      return;
    }
    const db = openDatabase({ ...location, connections: 1 });
    try {
      await pass(db, signal);
    } catch (error) {
      if (signal.aborted) {
        throw error;
      }
      log.warn({ err: error }, "retention pass interrupted; retrying");
      return Math.min(intervalMs, MAX_RETRY_MS);
    } finally {
      await db.destroy();
    }
  };

  if (keepsEverything(periods)) {
    return { stop: async () => {} };
  }
  const loop = createPollLoop(run, { intervalMs });
  lease.onChange(() => loop.wake());
  return loop;
}
