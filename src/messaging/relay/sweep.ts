import { createPollLoop, type PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { Lease } from "../../store/leases/index.ts";
import {
  deletePublished,
  estimateRows,
  MAX_COMMIT_SKEW_MS,
  type OutboxRow,
  readOldestUnpublished,
  readUnpublished,
} from "../../store/outbox/outbox.ts";
import type { BacklogGauges } from "./backlog.ts";
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

/**
 * Interval between searches of a server without the lease, in milliseconds: the one with it may be
 * unable to publish.
 */
const FALLBACK_SEARCH_MS = 60_000;

/** Interval between searches for the end of the rows kept for Actions, in milliseconds. */
const KEPT_SEARCH_MS = 60_000;

/** Interval between estimates of the table's size, in milliseconds. */
const ESTIMATE_MS = 30_000;

export interface SweepOptions {
  readonly db: OutboxDatabase;
  readonly log: Logger;
  readonly published: PublishedRows;
  readonly retentionMs: number;
  readonly sweepMs: number;
  /** Of the server that searches the table in each sweep. */
  readonly lease: Lease;
  readonly gauges: BacklogGauges;
  /** Called at the start of each sweep. */
  readonly onSweep: () => void;
  /** Whether abandoned rows can be published now. */
  readonly canPublish: () => boolean;
  readonly publish: (rows: readonly OutboxRow[]) => void;
}

/**
 * Deletes this server's rows after their retention. One server also measures the backlog, and
 * publishes abandoned rows: those older than they would be if their server were running, which are
 * deleted in their turn.
 */
export function startSweep(options: SweepOptions): Pick<PollLoop, "stop"> {
  const { log, sweepMs, lease } = options;
  const sweep = new Sweep(options);
  const loop = createPollLoop((signal) => sweep.run(signal), {
    intervalMs: sweepMs,
    initialDelayMs: sweepMs,
    onError: (error) => log.debug({ err: error }, "outbox sweep failed; retrying"),
  });
  lease.onChange(() => loop.wake());
  return loop;
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
  #lastSearch = performance.now();
  #lastKeptSearch = Number.NEGATIVE_INFINITY;
  #lastEstimate = Number.NEGATIVE_INFINITY;

  constructor(options: SweepOptions) {
    const { retentionMs, sweepMs } = options;
    this.#options = options;
    this.#abandonedMs = retentionMs + Math.max(4 * sweepMs, retentionMs / 5);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { lease, gauges, onSweep } = this.#options;
    onSweep();
    await this.#deletePublished(signal);
    if (lease.isHeld()) {
      await this.#measure();
      await this.#search(signal);
    } else {
      // While the database is unavailable, the last values stand.
      if (lease.isHeldElsewhere()) {
        gauges.clear();
        this.#lastEstimate = Number.NEGATIVE_INFINITY;
      }
      if (since(this.#lastSearch) > FALLBACK_SEARCH_MS) {
        await this.#search(signal);
      }
    }
  }

  async #measure(): Promise<void> {
    const { db, gauges } = this.#options;
    if (since(this.#lastEstimate) > ESTIMATE_MS) {
      this.#lastEstimate = performance.now();
      gauges.setRows(await estimateRows(db));
    }
  }

  /** Finds the oldest unpublished row, and publishes it and later ones if they are abandoned. */
  async #search(signal: AbortSignal): Promise<void> {
    const { db, lease, gauges, canPublish } = this.#options;
    this.#lastSearch = performance.now();
    if (since(this.#lastFullSearch) > FULL_SEARCH_MS) {
      this.#keptTo = 0n;
      this.#lastKeptSearch = Number.NEGATIVE_INFINITY;
      this.#lastFullSearch = performance.now();
    }
    const oldest = await readOldestUnpublished(db, this.#keptTo);
    if (lease.isHeld()) {
      gauges.setOldest(oldest);
    }
    if (oldest !== undefined && db.clock.now().getTime() - oldest.recordTime.getTime() >= this.#abandonedMs) {
      this.#keptTo = oldest.id - 1n;
      if (canPublish()) {
        await this.#publishAbandoned(signal);
      }
    } else if (since(this.#lastKeptSearch) > KEPT_SEARCH_MS) {
      this.#keptTo = await this.#lastOldId(signal);
      this.#lastKeptSearch = performance.now();
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
    for (let page = 0; page < MAX_PAGES && !signal.aborted; page += 1) {
      // biome-ignore lint/complexity/useMathMinMax: Math.max does not take a bigint.
      const afterId = this.#searchedTo > this.#keptTo ? this.#searchedTo : this.#keptTo;
      const rows = await readUnpublished(db, { olderThanMs: this.#abandonedMs, afterId, limit: PAGE });
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

function since(time: number): number {
  return performance.now() - time;
}
