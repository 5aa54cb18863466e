import { setTimeout as delay } from "node:timers/promises";
import type { Ledger } from "../store/ledger.ts";
import type { Metrics } from "../telemetry/metrics.ts";

const EVERY_MS = 5_000;

/** Rests so many times as long as a count took, if that is longer: a backlog of millions takes a moment to count. */
const REST_FACTOR = 20;

/** Counts now and then what is open in the ledger, for /metrics. */
export function countOpen({
  actions,
  ledger,
  metrics,
}: {
  readonly actions: readonly string[];
  readonly ledger: Ledger;
  readonly metrics: Metrics;
}): { stop(): Promise<void> } {
  const stopping = new AbortController();

  const count = async () => {
    const counts = new Map((await ledger.openCounts(actions)).map((open) => [open.action, open]));
    for (const action of actions) {
      const { pending = 0, retrying = 0, parked = 0 } = counts.get(action) ?? {};
      metrics.actionOpen.set({ action, state: "pending" }, pending);
      metrics.actionOpen.set({ action, state: "retrying" }, retrying);
      metrics.actionOpen.set({ action, state: "parked" }, parked);
    }
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      const began = performance.now();
      // The database is away: the last counts stand until it is back.
      await count().catch(() => {});
      const rest = Math.max(EVERY_MS, (performance.now() - began) * REST_FACTOR);
      await delay(rest, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };

  const looping = loop();
  return {
    async stop() {
      stopping.abort();
      await looping;
    },
  };
}
