import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { DueEntry, Ledger } from "../../store/ledger/index.ts";
import type { PausedActions } from "./paused-actions.ts";

export interface DueLoopOptions {
  /** Names of all Actions. */
  readonly actions: readonly string[];
  readonly ledger: Ledger;
  readonly log: Logger;
  /** Updated by each poll. */
  readonly paused: PausedActions;
  /** Must not reject. */
  readonly run: (due: DueEntry) => Promise<void>;
  /** Maximum number of concurrent runs per Action. */
  readonly concurrency: number;
  /** Minimum delay between two polls, in milliseconds. */
  readonly pollMs: number;
}

/**
 * Maximum delay between two polls, as a multiple of the minimum: until then an entry can go
 * unnoticed that another server has made due, and a pause at another server.
 */
const MAX_DELAY_FACTOR = 10;

/**
 * Runs entries that are due from the database: failed ones, those the broker did not deliver, and
 * those of a resumed Action. Each Action has its own limit, so that a backlog of one delays no
 * other.
 *
 * A poll reads when the first entry of each Action is due, claims those that are, and otherwise
 * sleeps until then. What this server itself makes due is known without a poll.
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
    const { ledger, pollMs } = options;
    this.#loop = createPollLoop(() => this.#poll(), {
      intervalMs: pollMs,
      minDelayMs: pollMs,
      onError: (error) => {
        options.log.debug({ err: error }, "claiming due entries failed; retrying");
        this.#saturated = false;
      },
    });
    ledger.onDue((at) => this.#loop.wakeWithin(at === undefined ? 0 : at.getTime() - ledger.now().getTime()));
  }

  /** Claims nothing more; running ones continue. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Resolves when the current runs have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#runs);
  }

  /** @returns the delay until the next poll, in milliseconds */
  async #poll(): Promise<number> {
    const { actions, ledger, paused, pollMs } = this.#options;
    const state = await ledger.state(actions);
    paused.update(state.paused);
    const now = ledger.now();
    const active = [...state.nextDue].filter(([name]) => !state.paused.has(name));
    const due = active.filter(([, time]) => time <= now).map(([name]) => name);
    if (due.length > 0) {
      await this.#claim(due);
      return pollMs;
    }
    this.#saturated = false;
    const firstMs = Math.min(...active.map(([, time]) => time.getTime())) - now.getTime();
    // Other servers wake for the same entry: the first one claims it, the others find that it did.
    return Math.min(firstMs + Math.random() * pollMs, pollMs * MAX_DELAY_FACTOR);
  }

  async #claim(due: readonly string[]): Promise<void> {
    const limits = new Map(due.filter((name) => this.#canClaim(name)).map((name) => [name, this.#freeOf(name)]));
    this.#saturated = limits.size < due.length;
    if (limits.size > 0) {
      const { entries, more } = await this.#options.ledger.claimDue({ limits, suspectLimits: this.#suspectLimits });
      for (const entry of entries) {
        this.#start(entry);
      }
      this.#saturated ||= more;
    }
  }

  /** Small claims cost as much as large ones: half of an Action's runs must be free. */
  #canClaim(action: string): boolean {
    return this.#freeOf(action) * 2 >= this.#options.concurrency;
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
      if (this.#saturated && this.#canClaim(entry.action)) {
        this.#loop.wake();
      }
    });
    this.#runs.add(run);
  }
}
