import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { Lease } from "../../store/leases/index.ts";
import type { Ledger } from "../../store/ledger/index.ts";
import type { Action } from "./action.ts";
import type { PausedActions } from "./paused-actions.ts";

const INTERVAL_MS = 10_000;

/**
 * Minimum delay between two counts, as a multiple of a count's duration: a backlog of millions
 * takes a moment.
 */
const REST_FACTOR = 20;

export interface LedgerGaugesOptions {
  readonly actions: readonly Pick<Action, "name" | "due">[];
  readonly ledger: Pick<Ledger, "openCounts" | "now">;
  readonly paused: Pick<PausedActions, "has">;
  readonly metrics: Pick<Metrics, "actionOpen" | "actionAge" | "actionPaused">;
  /** Of the server that counts for all. */
  readonly lease: Lease;
}

/**
 * Counts the open entries of the ledger for /metrics, at one of the servers, and exposes which
 * Actions are paused.
 */
export function startLedgerGauges({
  actions,
  ledger,
  paused,
  metrics,
  lease,
}: LedgerGaugesOptions): Pick<PollLoop, "stop"> {
  const names = actions.map(({ name }) => name);
  /** Since when the oldest entry has been waiting, by Action, as of the last count. */
  let oldest: ReadonlyMap<string, Date | undefined> = new Map();

  const count = async () => {
    const counts = new Map((await ledger.openCounts(names)).map((one) => [one.action, one]));
    for (const action of names) {
      const { pending = 0, retrying = 0, parked = 0 } = counts.get(action) ?? {};
      metrics.actionOpen.set({ action, state: "pending" }, pending);
      metrics.actionOpen.set({ action, state: "retrying" }, retrying);
      metrics.actionOpen.set({ action, state: "parked" }, parked);
    }
    oldest = new Map(
      actions.map(({ name, due }) => [
        name,
        // The entry of a timer exists long before it is due: until then it does not wait.
        due === undefined ? counts.get(name)?.waitingSince : counts.get(name)?.firstDue,
      ]),
    );
  };

  // While the database is unavailable, the last values stand.
  const countOrClear = async () => {
    if (lease.isHeldElsewhere()) {
      metrics.actionOpen.reset();
      oldest = new Map();
    } else if (lease.isHeld()) {
      await count();
    }
  };

  metrics.actionAge.addCallback((observe) => {
    for (const [action, time] of oldest) {
      observe({ action }, time === undefined ? 0 : Math.max(0, ledger.now().getTime() - time.getTime()) / 1_000);
    }
  });
  metrics.actionPaused.addCallback((observe) => {
    for (const action of names) {
      observe({ action }, paused.has(action) ? 1 : 0);
    }
  });

  const loop = createPollLoop(countOrClear, { intervalMs: INTERVAL_MS, restFactor: REST_FACTOR });
  lease.onChange(() => loop.wake());
  return loop;
}
