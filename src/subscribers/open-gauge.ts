import type { Ledger } from "../store/ledger.ts";
import type { Metrics } from "../telemetry/metrics.ts";

const EVERY_MS = 5_000;

/** Counts now and then what is open in the ledger, for /metrics. */
export function countOpen({
  actions,
  ledger,
  metrics,
}: {
  readonly actions: readonly string[];
  readonly ledger: Ledger;
  readonly metrics: Metrics;
}): { stop(): void } {
  let busy = false;

  const count = async () => {
    busy = true;
    try {
      const counts = new Map((await ledger.openCounts()).map((open) => [open.action, open]));
      for (const action of actions) {
        const { pending = 0, retrying = 0, parked = 0 } = counts.get(action) ?? {};
        metrics.actionOpen.set({ action, state: "pending" }, pending);
        metrics.actionOpen.set({ action, state: "retrying" }, retrying);
        metrics.actionOpen.set({ action, state: "parked" }, parked);
      }
    } catch {
      // The database is away: the last counts stand until it is back.
    } finally {
      busy = false;
    }
  };

  const timer = setInterval(() => {
    if (!busy) {
      void count();
    }
  }, EVERY_MS);
  timer.unref();
  void count();
  return { stop: () => clearInterval(timer) };
}
