import { setTimeout as delay } from "node:timers/promises";
import { type BatchQueue, createBatchQueue } from "../../lib/batcher.ts";
import type { PollLoop } from "../../lib/poll-loop.ts";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { ALWAYS_HELD, type Lease } from "../../store/leases/index.ts";
import type { OutboxRow } from "../../store/outbox/outbox.ts";
import type { ConnectionEvent, StreamConnection } from "../nats/connection.ts";
import type { Publisher } from "../nats/publisher.ts";
import { lastEventTime } from "../nats/topology.ts";
import { createBacklogGauges } from "./backlog.ts";
import { createPublishedRows, type PublishedRows } from "./published-rows.ts";
import { createPassRunner, lastIdBefore, type OutboxDatabase, type PassRunner, republish } from "./republish.ts";
import { startSweep } from "./sweep.ts";

/** Why rows are published from the table, for the metrics. */
type Reason = "start" | "reconnect" | "sweep";

/** Publishes the outbox to the stream. */
export interface Relay {
  /** Accepts rows right after their commit, in commit order. */
  enqueue(rows: readonly OutboxRow[]): void;
  /** Number of rows in memory that the broker has not acknowledged. */
  unpublished(): number;
  /**
   * Publishes what it can within the time limit, in milliseconds. The rest stays in the table, and
   * is published by the next start of any server.
   */
  stop(timeoutMs: number): Promise<void>;
}

export interface RelayOptions {
  readonly db: OutboxDatabase;
  readonly publisher: Publisher;
  readonly stream: StreamConnection;
  readonly log: Logger;
  readonly metrics: Metrics;
  /**
   * Retention of acknowledged rows in the table, in milliseconds: longer than the broker takes to
   * sync its files.
   */
  readonly retentionMs?: number;
  /** Interval between sweeps of the table, in milliseconds. */
  readonly sweepMs?: number;
  /** Of the server that sweeps for rows of dead servers; by default it is this one. */
  readonly lease?: Lease;
  /** Maximum number of rows in memory; further ones are read from the table later. */
  readonly maxInMemory?: number;
  /**
   * Rows of other servers may have been published, whose watchers have no other source for them.
   */
  readonly onRepublished?: () => void;
  readonly crashPoint?: (name: "after-publish") => void;
}

/** Delay between two pages of a throttled pass, in milliseconds. */
const THROTTLE_MS = 100;

/**
 * Age beyond which events count as published at a start, in milliseconds before the stream's last
 * event: they are republished in a throttled pass, and new events need not wait for them.
 */
const PUBLISHED_AGE_MS = 10_000;

/**
 * Time for which new rows are collected, in milliseconds, so that at low load as well several share
 * one write to the broker, one delivery and one claim.
 */
const COLLECT_MS = 3;

/** Maximum number of rows published at a time. */
const MAX_BATCH = 1_000;

/** Interval between checks of what is left to publish on stop, in milliseconds. */
const DRAIN_POLL_MS = 5;

/**
 * Publishes each event from memory right after its commit, and keeps it in the table until the
 * broker must have synced it. Republishes from the table what the broker may have lost and what a
 * stopped server left:
 * - when the broker has lost messages: everything, before new events, so that each order stays in
 *   order;
 * - at a start: what the broker may not have, before new events, and the rest throttled;
 * - after any other restart of the broker: everything, throttled;
 * - when the broker is back: what did not fit in memory;
 * - in each sweep: what no server has deleted in time.
 */
export function startRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}

class OutboxRelay implements Relay {
  readonly #db: OutboxDatabase;
  readonly #publisher: Publisher;
  readonly #stream: StreamConnection;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #maxInMemory: number;
  readonly #onRepublished: () => void;
  readonly #crashPoint: (name: "after-publish") => void;
  readonly #published: PublishedRows;
  readonly #passes: PassRunner;
  /** New rows of the last milliseconds. */
  readonly #collected: BatchQueue<OutboxRow>;
  readonly #sweep: Pick<PollLoop, "stop">;
  readonly #stopListening: () => void;
  /** New rows, while older ones are published from the table first; undefined otherwise. */
  #heldBack: OutboxRow[] | undefined = [];
  /** Not all rows after this id fitted in memory; undefined when all did. */
  #overflowAfter: bigint | undefined;
  #stopped = false;

  constructor({
    db,
    publisher,
    stream,
    log,
    metrics,
    retentionMs = 150_000,
    sweepMs = 5_000,
    lease = ALWAYS_HELD,
    maxInMemory = 20_000,
    onRepublished = () => {},
    crashPoint = () => {},
  }: RelayOptions) {
    this.#db = db;
    this.#publisher = publisher;
    this.#stream = stream;
    this.#log = log;
    this.#metrics = metrics;
    this.#maxInMemory = maxInMemory;
    this.#onRepublished = onRepublished;
    this.#crashPoint = crashPoint;
    this.#published = createPublishedRows(Math.min(1_000, sweepMs));
    this.#passes = createPassRunner(log);
    this.#collected = createBatchQueue(async (rows) => this.#publishNew(rows), {
      maxBatch: MAX_BATCH,
      windowMs: COLLECT_MS,
    });
    this.#stopListening = stream.onConnect((_client, event) => this.#connected(event));
    this.#sweep = startSweep({
      db,
      log,
      lease,
      gauges: createBacklogGauges(db, metrics),
      published: this.#published,
      retentionMs,
      sweepMs,
      onSweep: () => {
        metrics.outboxDepth.set(this.unpublished());
        this.#catchUpOverflow();
      },
      canPublish: () => this.#passes.idle() && this.#heldBack === undefined && stream.client() !== undefined,
      publish: (rows) => {
        publisher.publish(rows, this.#counting("sweep", this.#markPublished));
        onRepublished();
      },
    });
  }

  enqueue(rows: readonly OutboxRow[]): void {
    if (this.#stopped) {
      return;
    }
    if (this.#overflowAfter !== undefined || this.unpublished() + rows.length > this.#maxInMemory) {
      this.#overflowAfter = lowestAfter(rows, this.#overflowAfter);
    } else {
      for (const row of rows) {
        this.#collected.push(row);
      }
    }
  }

  unpublished(): number {
    return this.#publisher.unpublished() + this.#collected.waiting + (this.#heldBack?.length ?? 0);
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    await this.#collected.idle();
    await this.#passes.stop();
    // Rows that are held back stay in the table: published now, they would overtake older events.
    const until = performance.now() + timeoutMs;
    while (this.#publisher.unpublished() > 0 && this.#stream.client() !== undefined && performance.now() < until) {
      await delay(DRAIN_POLL_MS);
    }
    await this.#sweep.stop();
  }

  #connected(event: ConnectionEvent): void {
    if (event === "first") {
      this.#passes.start("republishing the outbox at start", (signal) => this.#republishAtStart(signal));
    } else if (event === "lost") {
      this.#published.clear();
      this.#republishFirst(0n, "reconnect");
    } else if (event === "restarted" && this.#heldBack === undefined) {
      this.#passes.start("republishing the outbox after a restart of NATS", (signal) =>
        this.#republishThrottled("reconnect", undefined, () => {}, signal),
      );
    }
    this.#catchUpOverflow();
  }

  /** A running pass checks for an overflow itself. */
  #catchUpOverflow(): void {
    if (this.#overflowAfter !== undefined && this.#heldBack === undefined && this.#stream.client() !== undefined) {
      this.#republishFirst(this.#overflowAfter, "sweep");
    }
  }

  #publishNew(rows: readonly OutboxRow[]): void {
    if (this.#heldBack !== undefined) {
      this.#heldBack.push(...rows);
      return;
    }
    this.#publisher.publish(rows, (row) => {
      this.#crashPoint("after-publish");
      this.#markPublished(row);
    });
  }

  readonly #markPublished = (row: OutboxRow) => this.#published.add(row.id, performance.now());

  #counting(reason: Reason, onPublished: (row: OutboxRow) => void): (row: OutboxRow) => void {
    return (row) => {
      this.#metrics.republished.inc({ reason });
      onPublished(row);
    };
  }

  #republishFirst(afterId: bigint, reason: Reason): void {
    this.#heldBack ??= [];
    this.#passes.start("republishing the outbox", (signal) => this.#republishBeforeNew(afterId, reason, signal));
  }

  async #republishAtStart(signal: AbortSignal): Promise<void> {
    const client = this.#stream.client();
    // Disconnected already: then all rows count as unpublished.
    const lastTime = client && (await lastEventTime(client).catch(() => undefined));
    const probablyPublished =
      lastTime && (await lastIdBefore(this.#db, new Date(lastTime.getTime() - PUBLISHED_AGE_MS), signal));
    // This server's own rows are known to be unpublished.
    const own = lowestAfter(this.#heldBack ?? [], this.#overflowAfter) ?? probablyPublished;
    const from =
      probablyPublished !== undefined && own !== undefined && own < probablyPublished ? own : probablyPublished;
    await this.#republishBeforeNew(from ?? 0n, "start", signal);
    this.#log.info("outbox republished");
    if (from !== undefined && from > 0n) {
      await this.#republishThrottled("start", from, this.#markPublished, signal);
    }
  }

  /**
   * Publishes all rows after an id, then those held back; again from where rows did not fit in
   * memory meanwhile.
   */
  async #republishBeforeNew(afterId: bigint, reason: Reason, signal: AbortSignal): Promise<void> {
    let from = afterId;
    do {
      this.#overflowAfter = undefined;
      this.#heldBack = [];
      await republish(
        { db: this.#db, publisher: this.#publisher },
        { afterId: from, delayMs: 0, signal, onPublished: this.#counting(reason, this.#markPublished) },
      );
      from = lowestAfter(this.#heldBack, this.#overflowAfter) ?? 0n;
    } while (this.#overflowAfter !== undefined);
    const waiting = this.#heldBack;
    this.#heldBack = undefined;
    this.#publishNew(waiting);
    this.#onRepublished();
  }

  #republishThrottled(
    reason: Reason,
    untilId: bigint | undefined,
    onPublished: (row: OutboxRow) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return republish(
      { db: this.#db, publisher: this.#publisher },
      {
        afterId: 0n,
        ...(untilId !== undefined && { untilId }),
        delayMs: THROTTLE_MS,
        signal,
        onPublished: this.#counting(reason, onPublished),
      },
    );
  }
}

/** The id before the lowest of these rows, or `known` where that is lower. */
function lowestAfter(rows: readonly OutboxRow[], known: bigint | undefined): bigint | undefined {
  let lowest = known;
  for (const { id } of rows) {
    if (lowest === undefined || id <= lowest) {
      lowest = id - 1n;
    }
  }
  return lowest;
}
