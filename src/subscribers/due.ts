import { setTimeout as delay } from "node:timers/promises";
import type { DueEntry, Ledger } from "../store/ledger.ts";
import type { Logger } from "../telemetry/log.ts";

/**
 * Runs what is due from the database: what failed before, and what the broker never brought. One look for all Actions while little is
 * due; a look for each while it is much, so that a crowd of one Action keeps out no other.
 */
export function startDue({
  actions,
  ledger,
  log,
  run,
  concurrency,
  pollMs,
}: {
  /** Their names. */
  readonly actions: readonly string[];
  readonly ledger: Ledger;
  readonly log: Logger;
  /** Must not reject. */
  readonly run: (due: DueEntry) => Promise<void>;
  /** Runs of one Action at a time. */
  readonly concurrency: number;
  readonly pollMs: number;
}): { stop(): Promise<void>; idle(): Promise<void> } {
  const running = new Map(actions.map((name) => [name, 0]));
  const stopping = new AbortController();
  const runs = new Set<Promise<void>>();
  let crowded = false;
  let wake = () => {};

  const freeOf = (name: string) => concurrency - (running.get(name) ?? 0);

  const start = (due: DueEntry) => {
    const { action } = due.entry;
    running.set(action, (running.get(action) ?? 0) + 1);
    const done = run(due).then(() => {
      running.set(action, (running.get(action) ?? 0) - 1);
      runs.delete(done);
      wake();
    });
    runs.add(done);
  };

  const look = async (names: readonly string[]): Promise<boolean> => {
    const limit = Math.min(...names.map(freeOf));
    const due = await ledger.claimDue(names, limit);
    for (const entry of due) {
      start(entry);
    }
    return due.length === limit;
  };

  const round = async () => {
    // Small claims cost as much as large ones: wait until there is room for some.
    const open = actions.filter((name) => freeOf(name) * 2 >= concurrency);
    if (open.length === 0) {
      return;
    }
    const full = crowded ? await Promise.all(open.map((name) => look([name]))) : [await look(open)];
    crowded = full.includes(true) || open.length < actions.length;
  };

  const rest = async () => {
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const pause = delay(pollMs, undefined, { signal: stopping.signal }).catch(() => {});
    await (crowded ? Promise.race([woken, pause]) : pause);
  };

  const loop = async () => {
    while (!stopping.signal.aborted) {
      try {
        await round();
      } catch (error) {
        log.debug({ err: error }, "the ledger could not be looked at; it is tried again");
        await delay(pollMs, undefined, { signal: stopping.signal }).catch(() => {});
      }
      await rest();
    }
  };

  const looping = loop();
  return {
    async stop() {
      stopping.abort();
      await looping;
    },
    async idle() {
      await Promise.all(runs);
    },
  };
}
