import type { StatusChanged } from "../../domain/events.ts";
import { OperationError } from "../errors.ts";

/**
 * One watcher's side of the feed. It joins its orders first, then reads where they stand, then begins there: what was committed
 * meanwhile has waited, so that nothing is lost and nothing told twice.
 */
export interface ChangeReader {
  /** Listens to these orders; their changes wait until they begin. */
  watchOrders(orderIds: readonly bigint[]): void;
  /** Listens to a trade: orders that come to it later are newcomers in `take`. */
  watchTrade(rootOrderId: bigint): void;
  /**
   * The watcher knows these orders, each at its version: it hears of what comes after.
   *
   * @returns the orders that do not begin yet, as other watchers have heard more of them than this one can be told: to be read
   * again from their versions, and begun again
   */
  begin(versions: ReadonlyMap<bigint, number>): ReadonlyMap<bigint, number>;
  /** Listens to this order no more. */
  leave(orderId: bigint): void;
  /**
   * What has happened since the last call; waits for it, this long at most.
   *
   * @throws OperationError "fell-behind" when the watcher was slower than the changes for too long
   */
  take(waitMs: number): Promise<FeedUpdate>;
  close(): void;

  /** For the feed: an order of the trade that the reader may not know. */
  joinNewcomer(topic: Topic): void;
  /** For the feed: the next change of an order. */
  deliver(change: StatusChanged): void;
}

/** An order that somebody watches. */
export interface Topic {
  readonly orderId: bigint;
  readonly readers: Set<ChangeReader>;
  /** The version that its readers have heard of; undefined until the first of them knows where the order stands. */
  version: number | undefined;
  /** Changes that came before one that they follow. */
  readonly early: Map<number, StatusChanged>;
  /** Something may be missing even though no later change says so. */
  stale: boolean;
}

export interface FeedUpdate {
  readonly changes: readonly StatusChanged[];
  /** Orders of the watched trade that the watcher does not know; their changes wait until they begin. */
  readonly newcomers: readonly bigint[];
}

/** What a reader asks of its feed. */
export interface ReaderHost {
  topicOf(orderId: bigint): Topic;
  settle(topic: Topic, version: number): void;
  watchTrade(rootOrderId: bigint): void;
  leave(topic: Topic): void;
  leaveTrade(rootOrderId: bigint): void;
}

/** How many changes may wait for a slow watcher; each is a pointer to a change that all its watchers share. */
export const MAX_WAITING_CHANGES = 8_192;

export function createReader(signal: AbortSignal, host: ReaderHost): ChangeReader {
  const joined = new Map<bigint, Topic>();
  /** What waits for the orders that have not begun. */
  const held = new Map<bigint, StatusChanged[]>();
  /** Orders that the watcher knows at a later version than the feed: up to there it has heard of everything. */
  const ahead = new Map<bigint, number>();
  const newcomers = new Set<bigint>();
  let trade: bigint | undefined;
  let waiting: StatusChanged[] = [];
  let count = 0;
  let wake = () => {};
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort);

  const fellBehind = () => count > MAX_WAITING_CHANGES;
  const hasNews = () => waiting.length > 0 || newcomers.size > 0 || fellBehind() || signal.aborted;

  function join(topic: Topic): boolean {
    if (joined.has(topic.orderId)) {
      return false;
    }
    joined.set(topic.orderId, topic);
    held.set(topic.orderId, []);
    topic.readers.add(reader);
    return true;
  }

  const reader: ChangeReader = {
    watchOrders(orderIds) {
      for (const orderId of orderIds) {
        join(host.topicOf(orderId));
      }
    },
    watchTrade(rootOrderId) {
      trade = rootOrderId;
      host.watchTrade(rootOrderId);
    },
    joinNewcomer(topic) {
      if (join(topic)) {
        newcomers.add(topic.orderId);
        wake();
      }
    },
    begin(versions) {
      const behind = new Map<bigint, number>();
      for (const [orderId, version] of versions) {
        const topic = host.topicOf(orderId);
        const told = topic.version ?? version;
        const early = held.get(orderId) ?? [];
        const news = early.filter((change) => change.version > version);
        if (told > version && news[0]?.version !== version + 1) {
          behind.set(orderId, version);
          continue;
        }
        held.delete(orderId);
        newcomers.delete(orderId);
        waiting.push(...news);
        count -= early.length - news.length;
        if (told < version) {
          ahead.set(orderId, version);
        }
        host.settle(topic, version);
      }
      return behind;
    },
    leave(orderId) {
      const topic = joined.get(orderId);
      if (topic !== undefined) {
        host.leave(topic);
        joined.delete(orderId);
        newcomers.delete(orderId);
        count -= held.get(orderId)?.length ?? 0;
        held.delete(orderId);
      }
    },
    async take(waitMs) {
      if (!hasNews()) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, waitMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = () => {};
      }
      if (fellBehind()) {
        throw new OperationError(
          "fell-behind",
          "the client reads more slowly than its orders change; come back with after_versions",
          { retryAfterMs: 1_000 },
        );
      }
      const news = { changes: waiting, newcomers: [...newcomers] };
      count -= waiting.length;
      waiting = [];
      newcomers.clear();
      return news;
    },
    deliver(change) {
      if (fellBehind()) {
        return;
      }
      const known = ahead.get(change.orderId);
      if (known !== undefined) {
        if (change.version >= known) {
          ahead.delete(change.orderId);
        }
        if (change.version <= known) {
          return;
        }
      }
      count += 1;
      const early = held.get(change.orderId);
      if (early !== undefined) {
        early.push(change);
      } else {
        waiting.push(change);
        wake();
      }
      if (fellBehind()) {
        // Nobody gets them any more: the watcher comes back with what it has seen.
        waiting = [];
        held.clear();
        wake();
      }
    },
    close() {
      signal.removeEventListener("abort", onAbort);
      for (const topic of joined.values()) {
        host.leave(topic);
      }
      joined.clear();
      if (trade !== undefined) {
        host.leaveTrade(trade);
      }
    },
  };
  return reader;
}
