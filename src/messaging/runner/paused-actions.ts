import type { Logger } from "../../observability/log.ts";

/** The Actions that operators paused, as of the last poll of the ledger. */
export interface PausedActions {
  /** Whether an Action must not run now. Waits for the first update. */
  isPaused(action: string): Promise<boolean>;
  /** The state as of the last update. */
  has(action: string): boolean;
  update(paused: ReadonlySet<string>): void;
  /** Ends the wait for the first update. */
  stop(): void;
}

export function createPausedActions(log: Logger): PausedActions {
  let paused: ReadonlySet<string> = new Set();
  /**
   * Until the first update nothing runs: a server that starts would run what is paused for a
   * moment.
   */
  const known = Promise.withResolvers<void>();

  return {
    async isPaused(action) {
      await known.promise;
      return paused.has(action);
    },
    has: (action) => paused.has(action),
    update(now) {
      for (const action of [...now].filter((name) => !paused.has(name))) {
        log.warn({ action }, "Action paused; its events wait in the ledger");
      }
      for (const action of [...paused].filter((name) => !now.has(name))) {
        log.info({ action }, "Action resumed");
      }
      paused = now;
      known.resolve();
    },
    stop: () => known.resolve(),
  };
}
