import { setTimeout as delay } from "node:timers/promises";
import type { StatusChanged } from "../../domain/events.ts";
import { type ChangeReader, createReader, type Topic } from "./change-reader.ts";

/** Where the feed finds what it was not told. */
export interface ChangeSource {
  /** What has changed since a version, for many orders at once; per order in version order. */
  changesSince(versions: ReadonlyMap<bigint, number>): Promise<readonly StatusChanged[]>;
  /** All orders of a trade. */
  orderIdsOfTrade(rootOrderId: bigint): Promise<readonly bigint[]>;
}

/**
 * Tells watchers of status changes, from memory: however many watch an order, its changes cost no query. Changes may come in any
 * order, twice, or not at all; each reader gets each once, in version order. What is missing is read from the history, for all
 * orders that miss something at once.
 */
export interface ChangeFeed {
  /** A change was committed, here or elsewhere. */
  publish(change: StatusChanged): void;
  /** Changes may have been missed: reads what has happened meanwhile to everything that is watched. */
  resync(): void;
  /** A reader that listens to nothing yet, and wakes when the signal aborts. Close it at the end. */
  open(signal: AbortSignal): ChangeReader;
  /** Reads nothing more from the database. */
  close(): void;
}

/** Out of order is often a matter of milliseconds: this long a gap may close by itself before the history is asked. */
const GAP_PATIENCE_MS = 10;

/** How long to wait when the history cannot be read. */
const RETRY_MS = 500;

/** How many orders one query asks for. */
const ORDERS_PER_QUERY = 1_000;

export function createChangeFeed(source: ChangeSource): ChangeFeed {
  const topics = new Map<bigint, Topic>();
  const trades = new Map<bigint, Set<ChangeReader>>();
  const incomplete = new Set<Topic>();
  const closed = new AbortController();
  const pause = (ms: number) => delay(ms, undefined, { signal: closed.signal });
  let filling = false;

  function topicOf(orderId: bigint): Topic {
    let topic = topics.get(orderId);
    if (topic === undefined) {
      topic = { orderId, readers: new Set(), version: undefined, early: new Map(), stale: false };
      topics.set(orderId, topic);
    }
    return topic;
  }

  /** The watchers of a trade hear of all its orders, those that came later too. */
  function joinTrade(rootOrderId: bigint, orderId: bigint): void {
    for (const reader of trades.get(rootOrderId) ?? []) {
      reader.joinNewcomer(topicOf(orderId));
    }
  }

  function take(topic: Topic, change: StatusChanged): void {
    if (topic.version === undefined || change.version > topic.version) {
      topic.early.set(change.version, change);
      advance(topic);
    }
  }

  /** Tells what follows without a gap, and has the history asked for the rest. */
  function advance(topic: Topic): void {
    if (topic.version === undefined) {
      return;
    }
    for (let next = topic.early.get(topic.version + 1); next !== undefined; next = topic.early.get(topic.version + 1)) {
      topic.version = next.version;
      topic.early.delete(next.version);
      for (const reader of topic.readers) {
        reader.deliver(next);
      }
    }
    if (topic.early.size > 0 || topic.stale) {
      incomplete.add(topic);
      void fill();
    }
  }

  /** A reader knows where the order stands. The first one to do so says where its changes begin. */
  function settle(topic: Topic, version: number): void {
    if (topic.version !== undefined) {
      return;
    }
    topic.version = version;
    for (const early of topic.early.keys()) {
      if (early <= version) {
        topic.early.delete(early);
      }
    }
    advance(topic);
  }

  async function fill(): Promise<void> {
    if (filling) {
      return;
    }
    filling = true;
    try {
      while (incomplete.size > 0) {
        await pause(GAP_PATIENCE_MS);
        await fillFromHistory(nextBatch());
      }
    } catch (error) {
      if (!closed.signal.aborted) {
        throw error;
      }
    } finally {
      filling = false;
    }
  }

  function nextBatch(): Topic[] {
    const batch: Topic[] = [];
    for (const topic of incomplete) {
      if (batch.length === ORDERS_PER_QUERY) {
        break;
      }
      incomplete.delete(topic);
      if (topic.early.size > 0 || topic.stale) {
        topic.stale = false;
        batch.push(topic);
      }
    }
    return batch;
  }

  async function fillFromHistory(batch: readonly Topic[]): Promise<void> {
    if (batch.length === 0) {
      return;
    }
    const firstEarly = new Map(batch.map((topic) => [topic, Math.min(...topic.early.keys())]));
    let changes: readonly StatusChanged[];
    try {
      changes = await source.changesSince(new Map(batch.map((topic) => [topic.orderId, topic.version ?? 0])));
    } catch {
      for (const topic of batch) {
        topic.stale = true;
        incomplete.add(topic);
      }
      await pause(RETRY_MS);
      return;
    }
    for (const change of changes) {
      const topic = topics.get(change.orderId);
      if (topic !== undefined) {
        take(topic, change);
      }
    }
    for (const [topic, version] of firstEarly) {
      // The history has a hole (somebody deleted rows): what was told goes on behind it.
      if (topic.version !== undefined && topic.version < version - 1 && topic.early.has(version)) {
        topic.version = version - 1;
        advance(topic);
      }
    }
  }

  async function findNewcomers(): Promise<void> {
    for (const rootOrderId of [...trades.keys()]) {
      for (const orderId of await source.orderIdsOfTrade(rootOrderId)) {
        joinTrade(rootOrderId, orderId);
      }
    }
  }

  return {
    publish(change) {
      if (trades.size > 0) {
        joinTrade(change.rootParentId, change.orderId);
      }
      const topic = topics.get(change.orderId);
      if (topic !== undefined) {
        take(topic, change);
      }
    },
    resync() {
      for (const topic of topics.values()) {
        topic.stale = true;
        advance(topic);
      }
      void (async () => {
        while (!closed.signal.aborted && !(await findNewcomers().then(succeeded, failed))) {
          await pause(RETRY_MS).catch(() => {});
        }
      })();
    },
    open(signal) {
      const reader: ChangeReader = createReader(signal, {
        topicOf,
        settle,
        watchTrade(rootOrderId) {
          trades.set(rootOrderId, (trades.get(rootOrderId) ?? new Set()).add(reader));
        },
        leave(topic) {
          topic.readers.delete(reader);
          if (topic.readers.size === 0) {
            topics.delete(topic.orderId);
            incomplete.delete(topic);
          }
        },
        leaveTrade(rootOrderId) {
          const readers = trades.get(rootOrderId);
          readers?.delete(reader);
          if (readers?.size === 0) {
            trades.delete(rootOrderId);
          }
        },
      });
      return reader;
    },
    close() {
      closed.abort();
    },
  };
}

const succeeded = () => true;
const failed = () => false;
