import { createPollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { Ledger } from "../../store/ledger/index.ts";

/** Which Actions a person holds; looked up now and then, so that a switch works on all servers. */
export interface PausedActions {
  /** Whether an Action is not to run for now. */
  isPaused(action: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** How long a switch takes at most, in milliseconds, while the database is there. */
const LOOK_EVERY_MS = 1_000;

export function watchPausedActions({ ledger, log }: { readonly ledger: Ledger; readonly log: Logger }): PausedActions {
  let paused: ReadonlySet<string> = new Set();
  let know = () => {};
  /** Nothing runs before the first look, or a server that starts would run for a moment what is held. */
  const known = new Promise<void>((resolve) => {
    know = resolve;
  });

  const look = async () => {
    const now = await ledger.paused();
    for (const action of [...now].filter((name) => !paused.has(name))) {
      log.warn({ action }, "a person holds this Action: its events wait");
    }
    for (const action of [...paused].filter((name) => !now.has(name))) {
      log.info({ action }, "this Action goes on");
    }
    paused = now;
    know();
  };

  // While the database is away, what was read last holds.
  const loop = createPollLoop(look, { intervalMs: LOOK_EVERY_MS });

  return {
    async isPaused(action) {
      await known;
      return paused.has(action);
    },
    async stop() {
      know();
      await loop.stop();
    },
  };
}
