import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import { traceBatch } from "./trace-batch.ts";
import type { BatchedChange, BatchTimes, CommitObserver } from "./types.ts";

/** Lines of slow commits, a second. */
const LINES_PER_SECOND = 5;

/** Keeps what became of the group commits: figures, spans, and a line for each that took longer than it should. */
export function observeCommits({
  metrics,
  log,
  tracer,
  slowMs,
}: {
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly tracer: Tracer | undefined;
  /** In milliseconds; Infinity: none is slow. */
  readonly slowMs: number;
}): CommitObserver {
  const slow = createLogLimiter(log, { message: "slow commit", perSecond: LINES_PER_SECOND });
  return {
    committed(size, durationMs) {
      metrics.commitBatchSize.observe(size);
      metrics.commitDuration.observe(durationMs / 1000);
    },
    retried: (reason) => metrics.commitRetries.inc({ reason }),
    queued: (waiting) => metrics.commitQueue.set(waiting),
    ended(changes, times, error) {
      if (tracer !== undefined) {
        traceBatch(tracer, changes, times, error);
      }
      if (times.answeredAt - times.startedAt > slowMs) {
        slow.write("warn", "", () => slowLine(changes, times, error));
      }
    },
  };
}

/** `otherMs` is pauses and attempts that came to nothing, besides a little reckoning. */
function slowLine(changes: readonly BatchedChange[], times: BatchTimes, error: unknown): object {
  const { startedAt, answeredAt, size, retries, connectMs, readMs, writeMs } = times;
  const durationMs = answeredAt - startedAt;
  const [first] = changes;
  return {
    durationMs: Math.round(durationMs),
    size,
    retries,
    connectMs: Math.round(connectMs),
    readMs: Math.round(readMs),
    writeMs: Math.round(writeMs),
    otherMs: Math.round(durationMs - connectMs - readMs - writeMs),
    ...(first !== undefined && { orderId: String(first.request.orderId), caller: first.request.cause.caller }),
    traceId: first && traceIdOf(first.request.cause.traceparent),
    ...(error !== undefined && { error: error instanceof Error ? error.message : String(error) }),
  };
}
