import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { DueEntry, Ledger } from "../../store/ledger/index.ts";
import type { PausedActions } from "./paused-actions.ts";

export interface DueLoopOptions {
  /** Names of all Actions. */
  readonly actions: readonly string[];
  readonly ledger: Ledger;
  readonly log: Logger;
  readonly isPaused: PausedActions["isPaused"];
  /** Must not reject. */
  readonly run: (due: DueEntry) => Promise<void>;
  /** Maximum number of concurrent runs per Action. */
  readonly concurrency: number;
  readonly pollMs: number;
}

/**
 * Runs entries that are due from the database: failed ones, those the broker did not deliver, and
 * those of a resumed Action. Each Action has its own limit, so that a backlog of one delays no
 * other.
 */
export class DueLoop {
  readonly #options: DueLoopOptions;
  readonly #loop: PollLoop;
  /** Number of runs, by Action. */
  readonly #running = new Map<string, number>();
  readonly #runs = new Set<Promise<void>>();
  /** `maxConcurrentSuspects` of each suspected poison message that runs. */
  readonly #suspectLimits: number[] = [];
  /** Whether more may be due than could be claimed: the next end of a run starts the next poll. */
  #saturated = false;

  constructor(options: DueLoopOptions) {
    this.#options = options;
    this.#loop = createPollLoop(() => this.#poll(), {
      intervalMs: options.pollMs,
      onError: (error) => {
        options.log.debug({ err: error }, "claiming due entries failed; retrying");
        this.#saturated = false;
      },
    });
  }

  /** Claims nothing more; running ones continue. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Resolves when the current runs have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#runs);
  }

  async #poll(): Promise<void> {
    const { actions, ledger, isPaused, concurrency } = this.#options;
    const paused = await Promise.all(actions.map(isPaused));
    const active = actions.filter((_name, index) => !paused[index]);
    // Small claims cost as much as large ones: wait until half of an Action's runs are free.
    const free = active.filter((name) => this.#freeOf(name) * 2 >= concurrency);
    if (free.length === 0) {
      this.#saturated = active.length > 0;
      return;
    }
    const limits = new Map(free.map((name) => [name, this.#freeOf(name)]));
    const { entries, more } = await ledger.claimDue({ limits, suspectLimits: this.#suspectLimits });
    for (const due of entries) {
      this.#start(due);
    }
    this.#saturated = more || free.length < active.length;
  }

  #freeOf(action: string): number {
    return this.#options.concurrency - (this.#running.get(action) ?? 0);
  }

  #start(due: DueEntry): void {
    const { entry, maxConcurrentSuspects } = due;
    this.#running.set(entry.action, (this.#running.get(entry.action) ?? 0) + 1);
    if (maxConcurrentSuspects !== undefined) {
      this.#suspectLimits.push(maxConcurrentSuspects);
    }
    const run = this.#options.run(due).then(() => {
      this.#running.set(entry.action, (this.#running.get(entry.action) ?? 0) - 1);
      if (maxConcurrentSuspects !== undefined) {
        this.#suspectLimits.splice(this.#suspectLimits.indexOf(maxConcurrentSuspects), 1);
      }
      this.#runs.delete(run);
      if (this.#saturated) {
        this.#loop.wake();
      }
    });
    this.#runs.add(run);
  }
}
