import { createPollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { DueEntry, Ledger } from "../../store/ledger/index.ts";
import type { PausedActions } from "./paused-actions.ts";

/**
 * Runs what is due from the database: what failed before, what the broker never brought, and what came while its Action was held. Each
 * Action has its own share of each look, so that a crowd of one keeps out no other.
 */
export function startDueLoop({
  actions,
  ledger,
  log,
  held,
  run,
  concurrency,
  pollMs,
}: {
  /** Their names. */
  readonly actions: readonly string[];
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly held: PausedActions["isPaused"];
  /** Must not reject. */
  readonly run: (due: DueEntry) => Promise<void>;
  /** Runs of one Action at a time. */
  readonly concurrency: number;
  readonly pollMs: number;
}): { stop(): Promise<void>; idle(): Promise<void> } {
  const running = new Map(actions.map((name) => [name, 0]));
  const runs = new Set<Promise<void>>();
  /** The company that each suspect under way may have. */
  const suspects: number[] = [];
  let crowded = false;

  const freeOf = (name: string) => concurrency - (running.get(name) ?? 0);

  const start = (due: DueEntry) => {
    const { entry, maxConcurrentSuspects } = due;
    const { action } = entry;
    running.set(action, (running.get(action) ?? 0) + 1);
    if (maxConcurrentSuspects !== undefined) {
      suspects.push(maxConcurrentSuspects);
    }
    const done = run(due).then(() => {
      running.set(action, (running.get(action) ?? 0) - 1);
      if (maxConcurrentSuspects !== undefined) {
        suspects.splice(suspects.indexOf(maxConcurrentSuspects), 1);
      }
      runs.delete(done);
      if (crowded) {
        loop.wake();
      }
    });
    runs.add(done);
  };

  const round = async () => {
    const isHeld = await Promise.all(actions.map(held));
    const wanted = actions.filter((_name, index) => !isHeld[index]);
    // Small claims cost as much as large ones: wait until there is room for some.
    const open = wanted.filter((name) => freeOf(name) * 2 >= concurrency);
    if (open.length === 0) {
      crowded = wanted.length > 0;
      return;
    }
    const limits = new Map(open.map((name) => [name, freeOf(name)]));
    const { entries, more } = await ledger.claimDue({ limits, suspectLimits: suspects });
    entries.forEach(start);
    crowded = more || open.length < wanted.length;
  };

  const loop = createPollLoop(round, {
    intervalMs: pollMs,
    onError(error) {
      log.debug({ err: error }, "the ledger could not be looked at; it is tried again");
      crowded = false;
    },
  });

  return {
    stop: () => loop.stop(),
    async idle() {
      await Promise.all(runs);
    },
  };
}
