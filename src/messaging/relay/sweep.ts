import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import { deletePublished, MAX_COMMIT_SKEW_MS, type OutboxRow, readUnpublished } from "../../store/outbox/outbox.ts";
import type { PublishedRows } from "./published-rows.ts";
import { lastIdBefore, type OutboxDatabase } from "./republish.ts";

/** Rows read at a time, and pages read in one sweep. */
const PAGE = 500;
const MAX_PAGES = 10;

/**
 * Interval between searches of the whole table, in milliseconds: a server may have been suspended
 * between reading its clock and its commit.
 */
const FULL_SEARCH_MS = 600_000;

export interface SweepOptions {
  readonly db: OutboxDatabase;
  readonly log: Logger;
  readonly published: PublishedRows;
  readonly retentionMs: number;
  readonly sweepMs: number;
  /** Called at the start of each sweep. */
  readonly onSweep: () => void;
  /** Whether abandoned rows can be published now. */
  readonly canPublish: () => boolean;
  readonly publish: (rows: readonly OutboxRow[]) => void;
}

/**
 * Deletes rows after their retention, and publishes abandoned ones: rows older than they would be
 * if their server were running, which are deleted in their turn.
 */
export function startSweep(options: SweepOptions): Pick<PollLoop, "stop"> {
  const { log, sweepMs } = options;
  const sweep = new Sweep(options);
  return createPollLoop((signal) => sweep.run(signal), {
    intervalMs: sweepMs,
    initialDelayMs: sweepMs,
    onError: (error) => log.debug({ err: error }, "outbox sweep failed; retrying"),
  });
}

class Sweep {
  readonly #options: SweepOptions;
  /**
   * A running server deletes its rows within this time of their commit, while the broker is
   * reachable.
   */
  readonly #abandonedMs: number;
  /** The search continues after this id; rows before it were found to be published. */
  #searchedTo = 0n;
  /**
   * All rows up to this id are old and published, kept for Actions that are not done with them:
   * perhaps a million, which only a full search reads.
   */
  #keptTo = 0n;
  #lastFullSearch = performance.now();

  constructor(options: SweepOptions) {
    const { retentionMs, sweepMs } = options;
    this.#options = options;
    this.#abandonedMs = retentionMs + Math.max(4 * sweepMs, retentionMs / 5);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { onSweep, canPublish } = this.#options;
    onSweep();
    await this.#deletePublished(signal);
    if (canPublish()) {
      await this.#publishAbandoned(signal);
    }
  }

  async #deletePublished(signal: AbortSignal): Promise<void> {
    const { db, published, retentionMs } = this.#options;
    for (;;) {
      const chunk = published.oldestBefore(performance.now() - retentionMs);
      if (chunk === undefined || signal.aborted) {
        return;
      }
      await deletePublished(db, chunk.ids);
      chunk.remove();
    }
  }

  async #publishAbandoned(signal: AbortSignal): Promise<void> {
    const { db, log, published, publish } = this.#options;
    if (performance.now() - this.#lastFullSearch > FULL_SEARCH_MS) {
      this.#keptTo = 0n;
      this.#lastFullSearch = performance.now();
    }
    for (let page = 0; page < MAX_PAGES && !signal.aborted; page += 1) {
      // biome-ignore lint/complexity/useMathMinMax: Math.max does not take a bigint.
      const afterId = this.#searchedTo > this.#keptTo ? this.#searchedTo : this.#keptTo;
      const rows = await readUnpublished(db, { olderThanMs: this.#abandonedMs, afterId, limit: PAGE });
      if (afterId === this.#keptTo) {
        this.#keptTo = rows[0] === undefined ? await this.#lastOldId(signal) : rows[0].id - 1n;
      }
      const known = published.known(rows.map(({ id }) => id));
      const abandoned = rows.filter(({ id }) => !known.has(id));
      if (abandoned.length > 0) {
        log.warn({ rows: abandoned.length }, "republishing abandoned events");
        publish(abandoned);
      }
      this.#searchedTo = rows.length === PAGE ? (rows.at(-1)?.id ?? 0n) : 0n;
      if (this.#searchedTo === 0n) {
        return;
      }
    }
  }

  /** The last id before which no server can still be about to commit a row. */
  #lastOldId(signal: AbortSignal): Promise<bigint> {
    const { db } = this.#options;
    const time = db.clock.now().getTime() - this.#abandonedMs - MAX_COMMIT_SKEW_MS;
    return lastIdBefore(db, new Date(time), signal);
  }
}
