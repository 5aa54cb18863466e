import type { LoadResult } from "./index.ts";
import { createSamples } from "./samples.ts";
import type { Came } from "./walks.ts";

/** Counts what came of the calls; what ends between `begin` and `end` is measured. Times in milliseconds of `performance.now()`. */
export function createTally(begin: number, end: number) {
  const served = createSamples();
  const refused = createSamples();
  let changes = 0;
  let measured = 0;
  let failed = 0;
  return {
    /** A call that began, or was due, at `since` has just come to its end. */
    add(came: Came, since: number, changed: number): void {
      const now = performance.now();
      const counts = now >= begin && now <= end;
      changes += changed;
      if (came === "failed") {
        failed += 1;
      } else if (counts) {
        (came === "done" ? served : refused).add(now - since);
        measured += changed;
      }
    },
    /** @param cpu seconds of processor time that the generator took */
    result(seconds: number, cpu: number): LoadResult {
      return {
        perSecond: served.count() / seconds,
        changesPerSecond: measured / seconds,
        refused: refused.count(),
        failed,
        p50: served.at(0.5),
        p99: served.at(0.99),
        max: served.at(1),
        refusedP50: refused.at(0.5),
        refusedP99: refused.at(0.99),
        cpu: cpu / seconds,
        changes,
      };
    },
  };
}

export type Tally = ReturnType<typeof createTally>;
