import { createPollLoop } from "../../lib/poll-loop.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { readBacklog } from "../../store/outbox/outbox.ts";
import type { OutboxDatabase } from "./republish.ts";

const EVERY_MS = 5_000;

/** Rests so many times as long as a look took, if that is longer. */
const REST_FACTOR = 20;

/** How often the look for the oldest row begins at the first one, in milliseconds: a commit may have got an earlier id than one before it. */
const LOOK_AT_ALL_MS = 600_000;

/** Looks now and then how full the outbox table is, and how old the oldest row that may not be with the broker, for /metrics. */
export function startBacklogGauges({
  db,
  metrics,
}: {
  readonly db: OutboxDatabase;
  readonly metrics: Pick<Metrics, "outboxRows" | "outboxAge">;
}): { stop(): Promise<void> } {
  let oldest: { readonly id: bigint; readonly recordTime: Date } | undefined;
  let allSince = performance.now();

  const look = async () => {
    const all = performance.now() - allSince > LOOK_AT_ALL_MS;
    if (all) {
      allSince = performance.now();
    }
    const backlog = await readBacklog(db, all ? 0n : (oldest?.id ?? 0n));
    oldest = backlog.oldest;
    metrics.outboxRows.set(backlog.rows);
  };

  metrics.outboxAge.addCallback((observe) => {
    const age = oldest === undefined ? 0 : db.clock.now().getTime() - oldest.recordTime.getTime();
    observe({}, Math.max(0, age) / 1_000);
  });

  // While the database is away, the last values stand.
  return createPollLoop(look, { intervalMs: EVERY_MS, restFactor: REST_FACTOR });
}
