import { isSampled } from "../../observability/traceparent.ts";
import type { Tracer } from "../../observability/tracing.ts";
import type { BatchedChange, BatchTimes } from "./types.ts";

/** More links than this are dropped by most collectors. */
const MAX_LINKS = 128;

/**
 * Makes the spans of a group commit that is over. Each call's trace has its own share, `commit`, from the moment it was asked for: the wait
 * is in it. The work is done once for all: `commit group` stands below the first share, and each is linked to the other.
 */
export function traceBatch(tracer: Tracer, changes: readonly BatchedChange[], times: BatchTimes, error: unknown): void {
  const { startedAt, answeredAt, size, retries, connectMs, readMs, writeMs } = times;
  const shares = changes
    .filter(({ request }) => isSampled(request.cause.traceparent))
    .map(({ enqueuedAt, request }) => {
      const attributes = {
        "oms.order_id": String(request.orderId),
        "oms.commit.queue_ms": rounded(startedAt - enqueuedAt),
        "oms.commit.batch_size": size,
        "oms.commit.retries": retries,
      };
      return tracer.start("commit", {
        kind: "internal",
        parent: request.cause.traceparent,
        attributes,
        startTime: enqueuedAt,
      });
    });
  const [first] = shares;
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
  for (const [index, share] of shares.entries()) {
    if (index > 0) {
      share.link(group.traceparent);
    }
    if (index < MAX_LINKS) {
      group.link(share.traceparent);
    }
    if (error !== undefined) {
      share.fail(String(error));
    }
    share.end(answeredAt);
  }
  if (error !== undefined) {
    group.fail(String(error));
  }
  group.end(answeredAt);
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
