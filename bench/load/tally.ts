import type { CallOutcome } from "./call-sequences.ts";
import type { LoadResult } from "./index.ts";

/**
 * Counts the outcomes of calls. Calls that end between `begin` and `end`, or before the orders run
 * out, are measured. Times are `performance.now()`.
 */
export function createTally(begin: number, end: number) {
  let last = end;
  const done = createLatencies();
  const rejected = createLatencies();
  let changes = 0;
  let measuredChanges = 0;
  let failed = 0;
  return {
    /** A call that started, or was scheduled, at `since` has ended. */
    add(outcome: CallOutcome, since: number, changed: number): void {
      const now = performance.now();
      const isMeasured = now >= begin && now <= last;
      changes += changed;
      if (outcome === "failed") {
        failed += 1;
      } else if (isMeasured) {
        (outcome === "done" ? done : rejected).add(now - since);
        measuredChanges += changed;
      }
    },
    /** No orders are left: the measured time ends. */
    ranOut(): void {
      last = Math.min(last, performance.now());
    },
    /**
     * @param cpu cores used by the generator
     * @throws Error when the orders ran out during the warm-up
     */
    result(cpu: number): LoadResult {
      const seconds = (last - begin) / 1_000;
      if (seconds <= 0) {
        throw new Error("the orders ran out during the warm-up: the load needs more orders");
      }
      return {
        perSecond: done.count() / seconds,
        changesPerSecond: measuredChanges / seconds,
        rejected: rejected.count(),
        failed,
        p50: done.percentile(0.5),
        p99: done.percentile(0.99),
        max: done.percentile(1),
        rejectedP50: rejected.percentile(0.5),
        rejectedP99: rejected.percentile(0.99),
        cpu,
        changes,
      };
    },
  };
}

/** Latencies in milliseconds. */
function createLatencies() {
  const all: number[] = [];
  let sorted: Float64Array | undefined;
  return {
    add(ms: number): void {
      all.push(ms);
    },
    count: () => all.length,
    /** 0 without any latency. */
    percentile(share: number): number {
      sorted ??= Float64Array.from(all).sort();
      return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
    },
  };
}
