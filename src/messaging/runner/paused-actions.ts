import { createPollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { Ledger } from "../../store/ledger/index.ts";

/** The Actions that operators paused, polled so that a pause takes effect on all servers. */
export interface PausedActions {
  /** Whether an Action must not run now. Waits for the first poll. */
  isPaused(action: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** Delay until a pause takes effect, in milliseconds, while the database is available. */
const POLL_MS = 1_000;

export function watchPausedActions({ ledger, log }: { readonly ledger: Ledger; readonly log: Logger }): PausedActions {
  let paused: ReadonlySet<string> = new Set();
  /**
   * Until the first poll nothing runs: a server that starts would run what is paused for a moment.
   */
  const known = Promise.withResolvers<void>();

  const poll = async () => {
    const now = await ledger.paused();
    for (const action of [...now].filter((name) => !paused.has(name))) {
      log.warn({ action }, "Action paused; its events wait in the ledger");
    }
    for (const action of [...paused].filter((name) => !now.has(name))) {
      log.info({ action }, "Action resumed");
    }
    paused = now;
    known.resolve();
  };

  // While the database is unavailable, the last state holds.
  const loop = createPollLoop(poll, { intervalMs: POLL_MS });

  return {
    async isPaused(action) {
      await known.promise;
      return paused.has(action);
    },
    async stop() {
      known.resolve();
      await loop.stop();
    },
  };
}
