import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import type { OutboxRow } from "../../store/outbox/outbox.ts";
import type { StreamConnection } from "../nats/connection.ts";
import type { Publisher } from "../nats/publisher.ts";
import { lastEventTime } from "../nats/topology.ts";
import { startBacklogGauges } from "./backlog.ts";
import { createPublishedRows } from "./published-rows.ts";
import { lastIdBefore, type OutboxDatabase, republish } from "./republish.ts";
import { startSweep } from "./sweep.ts";

/** Why rows are published from the table, for the metrics. */
type Reason = "start" | "reconnect" | "sweep";

/** The way from the outbox to the stream. */
export interface Relay {
  /** Takes rows right after their commit, in the order of commits; publishes them as soon as the broker is there. */
  enqueue(rows: readonly OutboxRow[]): void;
  /** Rows in memory that the broker has not acknowledged. */
  unpublished(): number;
  /** Publishes what it can within the limit. What is left is in the table, and goes out at the next start of any server. */
  stop(limitMs: number): Promise<void>;
}

export interface RelayOptions {
  readonly db: OutboxDatabase;
  readonly publisher: Publisher;
  readonly stream: StreamConnection;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** How long an acknowledged row stays in the table, in milliseconds: longer than the broker takes to sync its files. */
  readonly retentionMs?: number;
  /** How often rows are deleted, and rows of dead servers looked for, in milliseconds. */
  readonly sweepMs?: number;
  /** Rows in memory while the broker is away; beyond it they are read from the table later. */
  readonly maxInMemory?: number;
  /** Rows that are perhaps of another server were published: its watchers did not hear of them from us. */
  readonly onRepublished?: () => void;
  readonly crashPoint?: (name: "after-publish") => void;
}

/**
 * A gentle round publishes a page at a time, and rests in between, in milliseconds: it repeats what the broker most likely has, beside
 * the traffic.
 */
const GENTLE_REST_MS = 100;

/**
 * At a start, the events committed before the stream's last one by more than this, in milliseconds, are taken as published: they are
 * published again gently, and new ones need not wait for it.
 */
const PUBLISHED_WITHIN_MS = 10_000;

/**
 * Publishes each event straight from the commit's memory, and keeps it in the table until the broker must have synced it. What the
 * broker may have lost, and what a dead server left, is published again from the table:
 * - all of it, ahead of new events, when the broker has lost something; per order the order stays right;
 * - all of it at start: ahead of new events what the broker may never have had, and gently the rest;
 * - all of it, gently, after any other restart of the broker;
 * - what did not fit in memory while the broker was away, as soon as it is back;
 * - now and then, what nobody has deleted in time.
 */
export function startRelay({
  db,
  publisher,
  stream,
  log,
  metrics,
  retentionMs = 150_000,
  sweepMs = 5_000,
  maxInMemory = 20_000,
  onRepublished = () => {},
  crashPoint = () => {},
}: RelayOptions): Relay {
  const published = createPublishedRows(Math.min(1_000, sweepMs));
  /** New rows, while older ones are read from the table first. */
  let held: OutboxRow[] | undefined = [];
  /** From the row after this id on, not all fitted in memory; undefined when all did. */
  let missedAfter: bigint | undefined;
  let round = { abort: new AbortController(), done: Promise.resolve(), over: true };
  let stopped = false;

  const unpublished = () => publisher.unpublished() + (held?.length ?? 0);

  const remember = (row: OutboxRow) => published.add(row.id, performance.now());

  const publishNew = (rows: readonly OutboxRow[]) =>
    publisher.publish(rows, (row) => {
      crashPoint("after-publish");
      remember(row);
    });

  /** Ends the round under way, and begins another one. */
  const begin = (what: string, work: (signal: AbortSignal) => Promise<void>) => {
    round.abort.abort();
    const previous = round.done;
    const abort = new AbortController();
    const run = async () => {
      await previous;
      await work(abort.signal);
    };
    const mine = { abort, done: Promise.resolve(), over: false };
    mine.done = run()
      .catch((error: unknown) => {
        if (!abort.signal.aborted) {
          log.error({ err: error }, `${what} broke off`);
        }
      })
      .finally(() => {
        mine.over = true;
      });
    round = mine;
  };

  /** Everything from an id on, ahead of new rows; again from where rows did not fit in memory meanwhile. */
  const inOrder = async (afterId: bigint, reason: Reason, signal: AbortSignal) => {
    let from = afterId;
    do {
      missedAfter = undefined;
      held = [];
      await republish({ db, publisher }, { afterId: from, restMs: 0, signal, onPublished: noting(reason, remember) });
      from = before(held, missedAfter) ?? 0n;
    } while (missedAfter !== undefined);
    const waiting = held ?? [];
    held = undefined;
    publishNew(waiting);
    onRepublished();
  };

  const gently = (reason: Reason, untilId: bigint | undefined, then: (row: OutboxRow) => void, signal: AbortSignal) =>
    republish(
      { db, publisher },
      {
        afterId: 0n,
        ...(untilId !== undefined && { untilId }),
        restMs: GENTLE_REST_MS,
        signal,
        onPublished: noting(reason, then),
      },
    );

  const start = () =>
    begin("publishing what an earlier run left", async (signal) => {
      const client = stream.client();
      // Away already: then all is as if it were new.
      const last = client && (await lastEventTime(client).catch(() => undefined));
      const old = last && (await lastIdBefore(db, new Date(last.getTime() - PUBLISHED_WITHIN_MS), signal));
      // Of its own rows a server knows that they are not published.
      const own = before(held ?? [], missedAfter) ?? old;
      const from = old !== undefined && own !== undefined && own < old ? own : old;
      await inOrder(from ?? 0n, "start", signal);
      log.info("what an earlier run left is published");
      if (from !== undefined && from > 0n) {
        await gently("start", from, remember, signal);
      }
    });

  const catchUp = (afterId: bigint, reason: Reason) => {
    held ??= [];
    begin("publishing from the table", (signal) => inOrder(afterId, reason, signal));
  };

  const repeatGently = () =>
    begin("publishing the table again", (signal) => gently("reconnect", undefined, () => {}, signal));

  const noting = (reason: Reason, then: (row: OutboxRow) => void) => (row: OutboxRow) => {
    metrics.republished.inc({ reason });
    then(row);
  };

  /** A round that is under way looks by itself. */
  const lookForMissed = () => {
    if (missedAfter !== undefined && held === undefined && stream.client() !== undefined) {
      catchUp(missedAfter, "sweep");
    }
  };

  const stopHearing = stream.onConnect((_client, arrival) => {
    if (stopped) {
      return;
    }
    if (arrival === "first") {
      start();
    } else if (arrival === "lost") {
      published.clear();
      catchUp(0n, "reconnect");
    } else if (arrival === "restarted" && held === undefined) {
      repeatGently();
    }
    lookForMissed();
  });

  const sweep = startSweep({
    db,
    log,
    published,
    keepMs: retentionMs,
    sweepMs,
    idle: () => round.over && held === undefined && stream.client() !== undefined,
    publish: (rows) => {
      publisher.publish(rows, noting("sweep", remember));
      onRepublished();
    },
    beforeEach: () => {
      metrics.outboxDepth.set(unpublished());
      lookForMissed();
    },
  });

  const backlog = startBacklogGauges({ db, metrics });

  return {
    enqueue(rows) {
      if (stopped) {
        return;
      }
      if (missedAfter !== undefined || unpublished() + rows.length > maxInMemory) {
        missedAfter = before(rows, missedAfter);
      } else if (held !== undefined) {
        held.push(...rows);
      } else {
        publishNew(rows);
      }
    },
    unpublished,
    async stop(limitMs) {
      stopped = true;
      stopHearing();
      round.abort.abort();
      await round.done;
      // What is held stays in the table: published now, it would overtake older events.
      await drained(publisher, stream, limitMs);
      await Promise.all([sweep.stop(), backlog.stop()]);
    },
  };
}

/** The id before the lowest of these; `known` where that is lower. */
function before(rows: readonly OutboxRow[], known: bigint | undefined): bigint | undefined {
  let low = known;
  for (const { id } of rows) {
    if (low === undefined || id <= low) {
      low = id - 1n;
    }
  }
  return low;
}

/** Waits until all is acknowledged, the broker is away, or the limit is over. */
async function drained(publisher: Publisher, stream: StreamConnection, limitMs: number): Promise<void> {
  const until = performance.now() + limitMs;
  while (publisher.unpublished() > 0 && stream.client() !== undefined && performance.now() < until) {
    await delay(5);
  }
}
