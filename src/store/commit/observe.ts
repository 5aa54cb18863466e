import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { isSampled, traceIdOf } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { BatchedChange, BatchTimes, CommitObserver } from "./types.ts";

/** Maximum number of log lines about slow commits per second. */
const LINES_PER_SECOND = 5;

/** Most collectors drop the links of a span beyond this number. */
const MAX_LINKS = 128;

/** Records group commits: metrics, spans, and a log line for each slow one. */
export function observeCommits({
  metrics,
  log,
  tracer,
  slowMs,
}: {
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly tracer: Tracer | undefined;
  /** Commits that take longer are logged, in ms; Infinity for none. */
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

/** `otherMs` is mostly pauses and failed attempts. */
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

/**
 * Makes the spans of a group commit that has ended: a span `commit` in each call's trace, from the
 * moment the change was queued, and one span `commit group` below the first of them, linked with
 * all others.
 */
function traceBatch(tracer: Tracer, changes: readonly BatchedChange[], times: BatchTimes, error: unknown): void {
  const { startedAt, answeredAt, size, retries, connectMs, readMs, writeMs } = times;
  const spans = changes
    .filter(({ request }) => isSampled(request.cause.traceparent))
    .map(({ enqueuedAt, request }) => {
      const attributes = {
        "oms.order_id": String(request.orderId),
        "oms.commit.queue_ms": rounded(startedAt - enqueuedAt),
        "oms.commit.batch_size": size,
        "oms.commit.retries": retries,
      };
      const parent = request.cause.traceparent;
      return tracer.start("commit", { kind: "internal", parent, attributes, startTime: enqueuedAt });
    });
  const [first] = spans;
  if (first === undefined) {
    return;
  }
  const group = tracer.start("commit group", {
    kind: "internal",
    parent: first.traceparent,
    attributes: {
      "oms.commit.batch_size": size,
      "oms.commit.retries": retries,
      "oms.commit.connect_ms": rounded(connectMs),
      "oms.commit.read_ms": rounded(readMs),
      "oms.commit.write_ms": rounded(writeMs),
    },
    startTime: startedAt,
  });
  for (const [index, span] of spans.entries()) {
    if (index > 0) {
      span.link(group.traceparent);
    }
    if (index < MAX_LINKS) {
      group.link(span.traceparent);
    }
    if (error !== undefined) {
      span.fail(String(error));
    }
    span.end(answeredAt);
  }
  if (error !== undefined) {
    group.fail(String(error));
  }
  group.end(answeredAt);
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
