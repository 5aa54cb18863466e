import { setTimeout as delay } from "node:timers/promises";
import type { StatusChanged } from "../../domain/events.ts";
import { createTimeShare } from "../../lib/time-shares.ts";
import { ChangeReader, type ReaderHost, type WatchedOrder } from "./change-reader.ts";
import { ChangeSequence } from "./change-sequence.ts";

/** Where the feed reads what it has missed. */
export interface ChangeSource {
  /** The changes since a version, for many orders at once; per order in version order. */
  changesSince(versions: ReadonlyMap<bigint, number>): Promise<readonly StatusChanged[]>;
  /** All orders of a trade. */
  orderIdsOfTrade(rootOrderId: bigint): Promise<readonly bigint[]>;
}

/** What is taken from the broker's message of a change: its order, version and trade. */
export type Announcement = Pick<StatusChanged, "orderId" | "version" | "rootParentId">;

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
 * Delays before the database is read again for an announced change that it does not have, in
 * milliseconds: another node may lag behind the broker. After the last one the message counts as
 * false.
 */
const ANNOUNCED_RETRY_MS = [20, 100, 500, 2_000, 5_000] as const;

/** Maximum announced orders of one trade that are looked for by name; all others are found too. */
const MAX_ANNOUNCED_ORDERS = 1_000;

/**
 * Delivers status changes to watchers. A change of this server costs no query, however many watch
 * its order; those of other servers are read from the history, for all incomplete orders at once.
 * Changes may be published and announced in any order, twice, or not at all; each reader gets each
 * once, in version order.
 */
export class ChangeFeed {
  /**
   * Resolves when a watcher may send its next snapshots: hundreds that begin together have hundreds
   * of thousands of orders.
   */
  readonly turn = createTimeShare();
  readonly #source: ChangeSource;
  readonly #announcedRetryMs: readonly number[];
  readonly #orders = new Map<bigint, WatchedOrder>();
  readonly #trades = new Map<bigint, Set<ChangeReader>>();
  /** Announced orders of trades that are being read, by trade. */
  readonly #announcedOrders = new Map<bigint, Set<bigint>>();
  /** Orders with missing changes. */
  readonly #incomplete = new Set<WatchedOrder>();
  readonly #closed = new AbortController();
  /** Whether the loop that reads missing changes is running. */
  #filling = false;
  #onDemand: (watched: boolean) => void = () => {};

  readonly #host: ReaderHost = {
    orderOf: (orderId) => this.#orderOf(orderId),
    start: (order, version) => {
      if (order.sequence.version === undefined) {
        this.#deliver(order, order.sequence.start(version));
      }
    },
    subscribeTrade: (reader, rootOrderId) => {
      this.#trades.set(rootOrderId, (this.#trades.get(rootOrderId) ?? new Set()).add(reader));
      this.#onDemand(true);
    },
    unsubscribe: (reader, order) => {
      order.readers.delete(reader);
      if (order.readers.size === 0) {
        this.#orders.delete(order.orderId);
        this.#incomplete.delete(order);
        this.#onDemand(this.#isWatched());
      }
    },
    unsubscribeTrade: (reader, rootOrderId) => {
      const readers = this.#trades.get(rootOrderId);
      readers?.delete(reader);
      if (readers?.size === 0) {
        this.#trades.delete(rootOrderId);
        this.#onDemand(this.#isWatched());
      }
    },
  };

  /** @param announcedRetryMs default: ANNOUNCED_RETRY_MS */
  constructor(source: ChangeSource, announcedRetryMs: readonly number[] = ANNOUNCED_RETRY_MS) {
    this.#source = source;
    this.#announcedRetryMs = announcedRetryMs;
  }

  /**
   * Calls the listener with true when something is watched and with false when nothing is, perhaps
   * repeatedly: announcements are needed only while something is watched, and a `resync` once they
   * arrive.
   */
  onDemand(listener: (watched: boolean) => void): void {
    this.#onDemand = listener;
    listener(this.#isWatched());
  }

  /** A change was committed on this server. */
  publish(change: StatusChanged): void {
    if (this.#trades.size > 0) {
      this.#addOrder(change.rootParentId, change.orderId);
    }
    this.#accept(change);
  }

  /**
   * The broker reports a change of another server. Any client of the broker could have sent the
   * message, so nothing of it reaches a watcher: the change, and the trade of its order, are read
   * from the database.
   */
  announce({ orderId, version, rootParentId }: Announcement): void {
    const order = this.#orders.get(orderId);
    for (const reader of this.#trades.get(rootParentId) ?? []) {
      if (order?.readers.has(reader) !== true) {
        this.#announceOrder(rootParentId, orderId);
        break;
      }
    }
    if (order?.sequence.accepts(version)) {
      order.sequence.announce(version);
      this.#deliver(order, []);
    }
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

  #isWatched(): boolean {
    return this.#orders.size > 0 || this.#trades.size > 0;
  }

  #orderOf(orderId: bigint): WatchedOrder {
    let order = this.#orders.get(orderId);
    if (order === undefined) {
      order = { orderId, sequence: new ChangeSequence(), readers: new Set() };
      this.#orders.set(orderId, order);
      this.#onDemand(true);
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
      this.#retryAnnounced(order);
    }
  }

  /** Reads an announced change again that the history did not have. */
  #retryAnnounced(order: WatchedOrder): void {
    if (!order.sequence.lacksAnnounced) {
      return;
    }
    const retryMs = this.#announcedRetryMs[order.sequence.countMiss()];
    if (retryMs === undefined) {
      order.sequence.dropAnnounced();
      return;
    }
    const retry = () => {
      if (order.sequence.lacksAnnounced && order.readers.size > 0) {
        order.sequence.markStale();
        this.#deliver(order, []);
      }
    };
    this.#wait(retryMs).then(retry, () => {});
  }

  /** The watchers of a trade receive all its orders, later ones included. */
  #addOrder(rootOrderId: bigint, orderId: bigint): void {
    for (const reader of this.#trades.get(rootOrderId) ?? []) {
      reader.addOrder(this.#orderOf(orderId));
    }
  }

  #announceOrder(rootOrderId: bigint, orderId: bigint): void {
    const announced = this.#announcedOrders.get(rootOrderId);
    if (announced === undefined) {
      this.#announcedOrders.set(rootOrderId, new Set([orderId]));
      void this.#readAnnouncedOrders(rootOrderId);
    } else if (announced.size < MAX_ANNOUNCED_ORDERS) {
      announced.add(orderId);
    }
  }

  /** Adds the orders of a trade, until the announced ones are among them. */
  async #readAnnouncedOrders(rootOrderId: bigint): Promise<void> {
    const announced = this.#announcedOrders.get(rootOrderId) as Set<bigint>;
    try {
      for (const delayMs of [GAP_TOLERANCE_MS, ...this.#announcedRetryMs]) {
        await this.#wait(delayMs);
        const orderIds = await this.#source.orderIdsOfTrade(rootOrderId).catch(() => []);
        for (const orderId of orderIds) {
          this.#addOrder(rootOrderId, orderId);
          announced.delete(orderId);
        }
        if (announced.size === 0) {
          break;
        }
      }
    } catch {
      // The feed is closed.
    } finally {
      this.#announcedOrders.delete(rootOrderId);
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
