import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { withAdvisoryLock } from "../../store/mysql/advisory-lock.ts";
import type { OrderDatabase } from "../../store/mysql/database.ts";
import { createCursors, type RetentionPeriods, runPass, type Session, type Table } from "./pass.ts";

export type { RetentionPeriods } from "./pass.ts";

/** Rests after each piece of work, in times as long as it took: at most a fifth of one connection's time is spent on this. */
const REST = 4;

/**
 * How long a piece takes while nobody else is at the database, in milliseconds. One that took longer had to share it: then the rest is longer
 * in the same measure, up to a limit, as those who work go first.
 */
const QUIET_STEP_MS = 5;
const MAX_PATIENCE = 10;

/** How soon a server looks again whether it is its turn, in milliseconds. */
const NEXT_TRY_MS = 60_000;

/**
 * Deletes what has been kept for long enough: one server at a time, in small pieces with rests, so that nobody who works waits for it.
 * Nothing at all where everything is kept for good.
 */
export function startRetention({
  db,
  log,
  metrics,
  periods,
  intervalMs,
}: {
  readonly db: OrderDatabase;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly periods: RetentionPeriods;
  /** From the end of one pass to the next. */
  readonly intervalMs: number;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const places = createCursors();

  const rest = (ms: number) => delay(ms, undefined, { signal, ref: false });

  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const began = performance.now();
    const result = await work();
    const took = performance.now() - began;
    metrics.retentionStepDuration.observe(took / 1_000);
    await rest(took * REST * Math.min(Math.max(1, took / QUIET_STEP_MS), MAX_PATIENCE));
    return result;
  };

  const pass = async (session: Session) => {
    const deleted = new Map<Table, number>();
    const began = performance.now();
    await runPass({
      session,
      periods,
      cursors: places,
      step,
      onDeleted(table, rows) {
        metrics.retentionDeletedRows.inc({ table }, rows);
        deleted.set(table, (deleted.get(table) ?? 0) + rows);
      },
    });
    metrics.retentionLastPass.setToCurrentTime();
    const seconds = Math.round((performance.now() - began) / 1_000);
    log.info({ deleted: Object.fromEntries(deleted), seconds }, "what was kept for long enough is deleted");
  };

  const loop = async () => {
    while (!signal.aborted) {
      try {
        await withAdvisoryLock(db.location, "oms-upkeep", async (session) => {
          for (;;) {
            await pass(session);
            await rest(intervalMs);
          }
        });
        await rest(Math.min(intervalMs, NEXT_TRY_MS));
      } catch (error) {
        if (!signal.aborted) {
          log.warn({ err: error }, "the upkeep was interrupted; it goes on later");
          await rest(Math.min(intervalMs, NEXT_TRY_MS)).catch(() => {});
        }
      }
    }
  };

  const forGood = Math.min(periods.historyMs, periods.requestLogMs) === Number.POSITIVE_INFINITY;
  const looping = forGood ? Promise.resolve() : loop();
  return {
    async stop() {
      stopping.abort();
      await looping;
    },
  };
}
