import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { Ledger } from "../../store/ledger/index.ts";
import type { Action } from "./action.ts";

const INTERVAL_MS = 5_000;

/**
 * Minimum delay between two counts, as a multiple of a count's duration: a backlog of millions
 * takes a moment.
 */
const REST_FACTOR = 20;

/** Counts the open entries of the ledger, and reads which Actions are paused, for /metrics. */
export function startLedgerGauges({
  actions,
  ledger,
  metrics,
}: {
  readonly actions: readonly Pick<Action, "name" | "due">[];
  readonly ledger: Pick<Ledger, "openCounts" | "paused" | "now">;
  readonly metrics: Pick<Metrics, "actionOpen" | "actionAge" | "actionPaused">;
}): Pick<PollLoop, "stop"> {
  const names = actions.map(({ name }) => name);
  /** Since when the oldest entry has been waiting, by Action, as of the last count. */
  let oldest: ReadonlyMap<string, Date | undefined> = new Map();

  const count = async () => {
    const [open, paused] = await Promise.all([ledger.openCounts(names), ledger.paused()]);
    const counts = new Map(open.map((one) => [one.action, one]));
    for (const action of names) {
      const { pending = 0, retrying = 0, parked = 0 } = counts.get(action) ?? {};
      metrics.actionOpen.set({ action, state: "pending" }, pending);
      metrics.actionOpen.set({ action, state: "retrying" }, retrying);
      metrics.actionOpen.set({ action, state: "parked" }, parked);
      metrics.actionPaused.set({ action }, paused.has(action) ? 1 : 0);
    }
    oldest = new Map(
      actions.map(({ name, due }) => [
        name,
        // The entry of a timer exists long before it is due: until then it does not wait.
        due === undefined ? counts.get(name)?.waitingSince : counts.get(name)?.firstDue,
      ]),
    );
  };

  metrics.actionAge.addCallback((observe) => {
    for (const [action, time] of oldest) {
      observe({ action }, time === undefined ? 0 : Math.max(0, ledger.now().getTime() - time.getTime()) / 1_000);
    }
  });

  // While the database is unavailable, the last values stand.
  return createPollLoop(count, { intervalMs: INTERVAL_MS, restFactor: REST_FACTOR });
}
