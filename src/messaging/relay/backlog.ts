import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { readBacklog } from "../../store/outbox/outbox.ts";
import type { OutboxDatabase } from "./republish.ts";

const INTERVAL_MS = 5_000;

/** Minimum delay between two readings, as a multiple of a reading's duration. */
const REST_FACTOR = 20;

/**
 * Interval between searches for the oldest row from the start of the table, in milliseconds: a
 * commit may have received a lower id than an earlier one.
 */
const FULL_SEARCH_MS = 600_000;

/**
 * Measures the outbox table, for /metrics: its rows, and the age of the oldest one not known to be
 * published.
 */
export function startBacklogGauges({
  db,
  metrics,
}: {
  readonly db: OutboxDatabase;
  readonly metrics: Pick<Metrics, "outboxRows" | "outboxAge">;
}): Pick<PollLoop, "stop"> {
  let oldest: { readonly id: bigint; readonly recordTime: Date } | undefined;
  let lastFullSearch = performance.now();

  const measure = async () => {
    const full = performance.now() - lastFullSearch > FULL_SEARCH_MS;
    if (full) {
      lastFullSearch = performance.now();
    }
    const backlog = await readBacklog(db, full ? 0n : (oldest?.id ?? 0n));
    oldest = backlog.oldest;
    metrics.outboxRows.set(backlog.rows);
  };

  metrics.outboxAge.addCallback((observe) => {
    const age = oldest === undefined ? 0 : db.clock.now().getTime() - oldest.recordTime.getTime();
    observe({}, Math.max(0, age) / 1_000);
  });

  // While the database is unavailable, the last values stand.
  return createPollLoop(measure, { intervalMs: INTERVAL_MS, restFactor: REST_FACTOR });
}
