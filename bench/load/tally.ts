import type { CallOutcome } from "./call-sequences.ts";
import type { LoadResult } from "./index.ts";
import { createLatencies } from "./samples.ts";

/**
 * Counts what came of the calls; what ends between `begin` and `end` is measured, up to when the orders ran out where that was before. Times
 * in milliseconds of `performance.now()`.
 */
export function createTally(begin: number, end: number) {
  let last = end;
  const served = createLatencies();
  const refused = createLatencies();
  let changes = 0;
  let measured = 0;
  let failed = 0;
  return {
    /** A call that began, or was due, at `since` has just come to its end. */
    add(came: CallOutcome, since: number, changed: number): void {
      const now = performance.now();
      const counts = now >= begin && now <= last;
      changes += changed;
      if (came === "failed") {
        failed += 1;
      } else if (counts) {
        (came === "done" ? served : refused).add(now - since);
        measured += changed;
      }
    },
    /** There is nothing left to call. */
    ranOut(): void {
      last = Math.min(last, performance.now());
    },
    /**
     * @param cpu the share of one core that the generator took
     * @throws Error when nothing was measured
     */
    result(cpu: number): LoadResult {
      const seconds = (last - begin) / 1_000;
      if (seconds <= 0) {
        throw new Error("the load had too few orders: they were used up in the warm-up");
      }
      return {
        perSecond: served.count() / seconds,
        changesPerSecond: measured / seconds,
        rejected: refused.count(),
        failed,
        p50: served.at(0.5),
        p99: served.at(0.99),
        max: served.at(1),
        rejectedP50: refused.at(0.5),
        rejectedP99: refused.at(0.99),
        cpu,
        changes,
      };
    },
  };
}
