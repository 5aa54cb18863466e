import { setTimeout as delay } from "node:timers/promises";
import { type OutboxRow, readRowAfter, readUnpublished } from "../../store/outbox/outbox.ts";
import type { Publisher } from "../nats/publisher.ts";

/** Where the outbox table is. */
export type OutboxDatabase = Parameters<typeof readUnpublished>[0];

/** Rows read at a time. */
const PAGE = 1_000;

/** Rows that may wait for their acknowledgement before more are read. */
const AHEAD = 2 * PAGE;

/** Between two attempts to read while the database is away, in milliseconds. */
const READ_AGAIN_MS = 500;

/** Rows whatever their age: also of a server whose clock is ahead. */
const ANY_AGE = Number.NEGATIVE_INFINITY;

/**
 * Publishes what the outbox table holds, in the order of the ids, which per order is the order of the events. Resolves when the last of it
 * was handed over to the publisher.
 *
 * @param afterId the row before the first
 * @param untilId the last row; undefined for the end of the table
 * @param restMs the pause after each page, all of it acknowledged; 0 for as quick as it goes
 * @throws the signal's reason
 */
export async function republish(
  { db, publisher }: { readonly db: OutboxDatabase; readonly publisher: Publisher },
  {
    afterId,
    untilId,
    restMs,
    signal,
    onPublished,
  }: {
    readonly afterId: bigint;
    readonly untilId?: bigint;
    readonly restMs: number;
    readonly signal: AbortSignal;
    readonly onPublished: (row: OutboxRow) => void;
  },
): Promise<void> {
  const room = createRoom(signal);
  let from = afterId;
  for (;;) {
    const after = from;
    const page = await untilRead(
      () => readUnpublished(db, { olderThanMs: ANY_AGE, afterId: after, limit: PAGE }),
      signal,
    );
    const rows = untilId === undefined ? page : page.filter(({ id }) => id <= untilId);
    room.add(rows.length);
    publisher.publish(rows, (row) => {
      onPublished(row);
      room.done();
    });
    if (rows.length < PAGE) {
      return;
    }
    from = rows.at(-1)?.id ?? from;
    await room.below(restMs === 0 ? AHEAD : 1);
    if (restMs > 0) {
      await delay(restMs, undefined, { signal });
    }
  }
}

/**
 * The last row that was committed before this time, published or not; 0 where there is none. Ids grow with time, near enough, so that a
 * search by halves finds it without an index.
 *
 * @throws the signal's reason
 */
export async function lastIdBefore(db: OutboxDatabase, time: Date, signal: AbortSignal): Promise<bigint> {
  const oldRowAfter = async (id: bigint) => {
    const row = await untilRead(() => readRowAfter(db, id), signal);
    return row !== undefined && row.recordTime < time ? row.id : undefined;
  };
  let old = await oldRowAfter(0n);
  if (old === undefined) {
    return 0n;
  }
  let step = 1n;
  for (let next = await oldRowAfter(old + step); next !== undefined; next = await oldRowAfter(old + step)) {
    old = next;
    step *= 2n;
  }
  // Rows after `young` are young.
  for (let young = old + step; young > old; ) {
    const middle = (old + young) / 2n;
    const found = await oldRowAfter(middle);
    if (found === undefined) {
      young = middle;
    } else {
      old = found;
    }
  }
  return old;
}

/** Reads as often as it takes: the committer says loudly enough that the database is away. */
async function untilRead<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await read();
    } catch {
      await delay(READ_AGAIN_MS, undefined, { signal });
    }
  }
}

/** Counts what is under way, and lets one wait until it is little. */
function createRoom(signal: AbortSignal) {
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
