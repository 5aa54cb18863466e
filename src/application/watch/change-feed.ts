import { setTimeout as delay } from "node:timers/promises";
import type { StatusChanged } from "../../domain/events.ts";
import { ChangeReader, type ReaderHost, type WatchedOrder } from "./change-reader.ts";
import { ChangeSequence } from "./change-sequence.ts";

/** Where the feed reads what it has missed. */
export interface ChangeSource {
  /** The changes since a version, for many orders at once; per order in version order. */
  changesSince(versions: ReadonlyMap<bigint, number>): Promise<readonly StatusChanged[]>;
  /** All orders of a trade. */
  orderIdsOfTrade(rootOrderId: bigint): Promise<readonly bigint[]>;
}

/**
 * Time for a gap to close by itself before the history is read, in milliseconds: changes arrive
 * slightly out of order.
 */
const GAP_TOLERANCE_MS = 10;

/** Retry interval when the database cannot be read, in milliseconds. */
const RETRY_MS = 500;

/** Maximum orders in one query of the history. */
const ORDERS_PER_QUERY = 1_000;

/**
 * Delivers status changes to watchers from memory: a change costs no query, however many watch its
 * order. Changes may be published in any order, twice, or not at all; each reader gets each once,
 * in version order. Missing ones are read from the history, for all incomplete orders at once.
 */
export class ChangeFeed {
  readonly #source: ChangeSource;
  readonly #orders = new Map<bigint, WatchedOrder>();
  readonly #trades = new Map<bigint, Set<ChangeReader>>();
  /** Orders with missing changes. */
  readonly #incomplete = new Set<WatchedOrder>();
  readonly #closed = new AbortController();
  /** Whether the loop that reads missing changes is running. */
  #filling = false;

  readonly #host: ReaderHost = {
    orderOf: (orderId) => this.#orderOf(orderId),
    start: (order, version) => {
      if (order.sequence.version === undefined) {
        this.#deliver(order, order.sequence.start(version));
      }
    },
    subscribeTrade: (reader, rootOrderId) => {
      this.#trades.set(rootOrderId, (this.#trades.get(rootOrderId) ?? new Set()).add(reader));
    },
    unsubscribe: (reader, order) => {
      order.readers.delete(reader);
      if (order.readers.size === 0) {
        this.#orders.delete(order.orderId);
        this.#incomplete.delete(order);
      }
    },
    unsubscribeTrade: (reader, rootOrderId) => {
      const readers = this.#trades.get(rootOrderId);
      readers?.delete(reader);
      if (readers?.size === 0) {
        this.#trades.delete(rootOrderId);
      }
    },
  };

  constructor(source: ChangeSource) {
    this.#source = source;
  }

  /** A change was committed, on this server or another. */
  publish(change: StatusChanged): void {
    if (this.#trades.size > 0) {
      this.#addOrder(change.rootParentId, change.orderId);
    }
    this.#accept(change);
  }

  /** Changes may have been missed: reads the changes of all watched orders and trades. */
  resync(): void {
    for (const order of this.#orders.values()) {
      order.sequence.markStale();
      this.#deliver(order, []);
    }
    void this.#addOrdersOfTrades();
  }

  /** A reader without subscriptions, which wakes when the signal aborts. To be closed. */
  open(signal: AbortSignal): ChangeReader {
    return new ChangeReader(this.#host, signal);
  }

  /** Stops reading from the database. */
  close(): void {
    this.#closed.abort();
  }

  #orderOf(orderId: bigint): WatchedOrder {
    let order = this.#orders.get(orderId);
    if (order === undefined) {
      order = { orderId, sequence: new ChangeSequence(), readers: new Set() };
      this.#orders.set(orderId, order);
    }
    return order;
  }

  #accept(change: StatusChanged): void {
    const order = this.#orders.get(change.orderId);
    if (order?.sequence.accepts(change.version)) {
      this.#deliver(order, order.sequence.add(change));
    }
  }

  /** Delivers changes in sequence, and schedules reading the missing ones. */
  #deliver(order: WatchedOrder, changes: readonly StatusChanged[]): void {
    for (const change of changes) {
      for (const reader of order.readers) {
        reader.deliver(change);
      }
    }
    if (order.sequence.isIncomplete) {
      this.#incomplete.add(order);
      void this.#fill();
    }
  }

  async #fill(): Promise<void> {
    if (this.#filling) {
      return;
    }
    this.#filling = true;
    try {
      while (this.#incomplete.size > 0) {
        await this.#wait(GAP_TOLERANCE_MS);
        await this.#fillFromHistory(this.#nextBatch());
      }
    } catch (error) {
      if (!this.#closed.signal.aborted) {
        throw error;
      }
    } finally {
      this.#filling = false;
    }
  }

  /** The next orders to read; those that were completed meanwhile are left out. */
  #nextBatch(): WatchedOrder[] {
    const batch: WatchedOrder[] = [];
    for (const order of this.#incomplete) {
      if (batch.length === ORDERS_PER_QUERY) {
        break;
      }
      this.#incomplete.delete(order);
      if (order.sequence.isIncomplete) {
        order.sequence.clearStale();
        batch.push(order);
      }
    }
    return batch;
  }

  async #fillFromHistory(batch: readonly WatchedOrder[]): Promise<void> {
    if (batch.length === 0) {
      return;
    }
    const firstEarlyVersions = batch.map(({ sequence }) => sequence.firstEarlyVersion);
    const versions = new Map(batch.map(({ orderId, sequence }) => [orderId, sequence.version ?? 0]));
    let changes: readonly StatusChanged[];
    try {
      changes = await this.#source.changesSince(versions);
    } catch {
      for (const order of batch) {
        order.sequence.markStale();
        this.#incomplete.add(order);
      }
      await this.#wait(RETRY_MS);
      return;
    }
    for (const change of changes) {
      this.#accept(change);
    }
    for (const [index, order] of batch.entries()) {
      // Still missing: rows of the history were deleted.
      const skipped = order.sequence.skipTo(firstEarlyVersions[index] as number);
      if (skipped.length > 0) {
        this.#deliver(order, skipped);
      }
    }
  }

  /** The watchers of a trade receive all its orders, later ones included. */
  #addOrder(rootOrderId: bigint, orderId: bigint): void {
    for (const reader of this.#trades.get(rootOrderId) ?? []) {
      reader.addOrder(this.#orderOf(orderId));
    }
  }

  async #addOrdersOfTrades(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        for (const rootOrderId of [...this.#trades.keys()]) {
          for (const orderId of await this.#source.orderIdsOfTrade(rootOrderId)) {
            this.#addOrder(rootOrderId, orderId);
          }
        }
        return;
      } catch {
        await this.#wait(RETRY_MS).catch(() => {});
      }
    }
  }

  /** Rejects when the feed is closed. */
  #wait(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#closed.signal });
  }
}
