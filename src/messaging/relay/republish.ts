import { setTimeout as delay } from "node:timers/promises";
import { findLastOld } from "../../lib/binary-search.ts";
import type { Logger } from "../../observability/log.ts";
import { type OutboxRow, readRowAfter, readUnpublished } from "../../store/outbox/outbox.ts";
import type { Publisher } from "../nats/publisher.ts";

export type OutboxDatabase = Parameters<typeof readUnpublished>[0];

/** Rows read at a time. */
const PAGE = 1_000;

/** Maximum number of unacknowledged rows before more are read. */
const MAX_UNACKNOWLEDGED = 2 * PAGE;

/** Delay between two attempts to read while the database is unavailable, in milliseconds. */
const READ_RETRY_MS = 500;

/** Includes rows of a server whose clock is ahead. */
const ANY_AGE = Number.NEGATIVE_INFINITY;

/** Runs one pass over the table at a time. */
export interface PassRunner {
  /** Aborts the running pass, and starts another one when it has ended. */
  start(name: string, pass: (signal: AbortSignal) => Promise<void>): void;
  idle(): boolean;
  stop(): Promise<void>;
}

export function createPassRunner(log: Logger): PassRunner {
  let running: Promise<void> | undefined;
  let abort = new AbortController();
  return {
    start(name, pass) {
      abort.abort();
      abort = new AbortController();
      const { signal } = abort;
      const previous = running;
      const run = async () => {
        await previous;
        try {
          await pass(signal);
        } catch (error) {
          if (!signal.aborted) {
            log.error({ err: error }, `${name} failed`);
          }
        }
        if (running === mine) {
          running = undefined;
        }
      };
      const mine = run();
      running = mine;
    },
    idle: () => running === undefined,
    async stop() {
      abort.abort();
      await running;
    },
  };
}

/**
 * Publishes the rows of the outbox table in the order of their ids, which per order is the order of
 * its events. Resolves when the last one was passed to the publisher.
 *
 * @param afterId the row before the first
 * @param untilId the last row; undefined for the end of the table
 * @param delayMs the delay after each page, all of it acknowledged; 0 for full speed
 * @throws the signal's reason
 */
export async function republish(
  { db, publisher }: { readonly db: OutboxDatabase; readonly publisher: Publisher },
  {
    afterId,
    untilId,
    delayMs,
    signal,
    onPublished,
  }: {
    readonly afterId: bigint;
    readonly untilId?: bigint;
    readonly delayMs: number;
    readonly signal: AbortSignal;
    readonly onPublished: (row: OutboxRow) => void;
  },
): Promise<void> {
  const unacknowledged = createCountdown(signal);
  let from = afterId;
  for (;;) {
    const request = { olderThanMs: ANY_AGE, afterId: from, limit: PAGE };
    const page = await readWithRetry(() => readUnpublished(db, request), signal);
    const rows = untilId === undefined ? page : page.filter(({ id }) => id <= untilId);
    unacknowledged.add(rows.length);
    publisher.publish(rows, (row) => {
      onPublished(row);
      unacknowledged.done();
    });
    if (rows.length < PAGE) {
      return;
    }
    from = rows.at(-1)?.id ?? from;
    await unacknowledged.below(delayMs === 0 ? MAX_UNACKNOWLEDGED : 1);
    if (delayMs > 0) {
      await delay(delayMs, undefined, { signal });
    }
  }
}

/**
 * The id of the last row committed before a time, published or not; 0 where there is none. Ids
 * ascend with time, up to `MAX_COMMIT_SKEW_MS`.
 *
 * @throws the signal's reason
 */
export async function lastIdBefore(db: OutboxDatabase, time: Date, signal: AbortSignal): Promise<bigint> {
  const oldRowAfter = async (id: bigint) => {
    const row = await readWithRetry(() => readRowAfter(db, id), signal);
    return row !== undefined && row.recordTime < time ? row.id : undefined;
  };
  return findLastOld(oldRowAfter);
}

/**
 * Retries without a limit and without logging: the committer logs that the database is unavailable.
 */
async function readWithRetry<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await read();
    } catch {
      await delay(READ_RETRY_MS, undefined, { signal });
    }
  }
}

/** Counts open items, and lets one caller wait until there are few. */
function createCountdown(signal: AbortSignal) {
  let open = 0;
  let wake = () => {};
  signal.addEventListener("abort", () => wake(), { once: true });
  return {
    add(count: number): void {
      open += count;
    },
    done(): void {
      open -= 1;
      wake();
    },
    async below(count: number): Promise<void> {
      while (open >= count) {
        signal.throwIfAborted();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
