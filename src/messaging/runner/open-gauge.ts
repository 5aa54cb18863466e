import { createPollLoop } from "../../lib/poll-loop.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { Ledger } from "../../store/ledger/index.ts";
import type { Action } from "./action.ts";

const EVERY_MS = 5_000;

/** Rests so many times as long as a count took, if that is longer: a backlog of millions takes a moment to count. */
const REST_FACTOR = 20;

/** Counts now and then what is open in the ledger, and looks which Actions are held, for /metrics. */
export function startOpenEntriesGauge({
  actions,
  ledger,
  metrics,
}: {
  readonly actions: readonly Pick<Action, "name" | "due">[];
  readonly ledger: Pick<Ledger, "openCounts" | "paused" | "now">;
  readonly metrics: Pick<Metrics, "actionOpen" | "actionAge" | "actionPaused">;
}): { stop(): Promise<void> } {
  const names = actions.map(({ name }) => name);
  /** Since when something waits, by Action, as of the last count. */
  let since: ReadonlyMap<string, Date | undefined> = new Map();

  const count = async () => {
    const [open, held] = await Promise.all([ledger.openCounts(names), ledger.paused()]);
    const counts = new Map(open.map((one) => [one.action, one]));
    for (const action of names) {
      const { pending = 0, retrying = 0, parked = 0 } = counts.get(action) ?? {};
      metrics.actionOpen.set({ action, state: "pending" }, pending);
      metrics.actionOpen.set({ action, state: "retrying" }, retrying);
      metrics.actionOpen.set({ action, state: "parked" }, parked);
      metrics.actionPaused.set({ action }, held.has(action) ? 1 : 0);
    }
    since = new Map(
      actions.map(({ name, due }) => [
        name,
        // A timer is set long before it goes off: that is no waiting.
        due === undefined ? counts.get(name)?.waitingSince : counts.get(name)?.firstDue,
      ]),
    );
  };

  metrics.actionAge.addCallback((observe) => {
    for (const [action, time] of since) {
      observe({ action }, time === undefined ? 0 : Math.max(0, ledger.now().getTime() - time.getTime()) / 1_000);
    }
  });

  // While the database is away, the last values stand.
  return createPollLoop(count, { intervalMs: EVERY_MS, restFactor: REST_FACTOR });
}
