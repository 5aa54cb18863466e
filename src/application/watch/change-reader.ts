import type { StatusChanged } from "../../domain/events.ts";
import { createInterruptibleDelay } from "../../lib/async.ts";
import { OperationError } from "../errors.ts";
import type { ChangeSequence } from "./change-sequence.ts";

/** An order with at least one subscriber. */
export interface WatchedOrder {
  readonly orderId: bigint;
  readonly sequence: ChangeSequence;
  readonly readers: Set<ChangeReader>;
}

/** What a reader receives at once. */
export interface FeedUpdate {
  readonly changes: readonly StatusChanged[];
  /** Orders that came to the watched trade; their changes are buffered until they are started. */
  readonly addedOrders: readonly bigint[];
}

/** What a reader needs of its feed. */
export interface ReaderHost {
  orderOf(orderId: bigint): WatchedOrder;
  /** A reader knows the order at this version. */
  start(order: WatchedOrder, version: number): void;
  subscribeTrade(reader: ChangeReader, rootOrderId: bigint): void;
  unsubscribe(reader: ChangeReader, order: WatchedOrder): void;
  unsubscribeTrade(reader: ChangeReader, rootOrderId: bigint): void;
}

/**
 * Maximum changes pending for a slow watcher. All watchers of an order share the same change
 * objects.
 */
export const MAX_PENDING_CHANGES = 8_192;

/**
 * One watcher's side of the feed. It subscribes to its orders, reads their status from the
 * database, then starts them at the version read. Changes committed meanwhile are buffered, so that
 * none is lost or repeated.
 */
export class ChangeReader {
  readonly #host: ReaderHost;
  readonly #signal: AbortSignal;
  readonly #idle = createInterruptibleDelay();
  readonly #orders = new Map<bigint, WatchedOrder>();
  /** Buffered changes of the orders not started yet. */
  readonly #buffered = new Map<bigint, StatusChanged[]>();
  /** Orders started ahead of the feed: their changes up to this version are skipped. */
  readonly #skipTo = new Map<bigint, number>();
  readonly #addedOrders = new Set<bigint>();
  #trade: bigint | undefined;
  #changes: StatusChanged[] = [];
  /** Number of changes, buffered ones included. */
  #pending = 0;
  /** The watcher is too slow: it receives nothing more. */
  #lagging = false;

  constructor(host: ReaderHost, signal: AbortSignal) {
    this.#host = host;
    this.#signal = signal;
    signal.addEventListener("abort", this.#idle.interrupt);
  }

  /** Subscribes to orders; their changes are buffered until they are started. */
  subscribe(orderIds: readonly bigint[]): void {
    for (const orderId of orderIds) {
      this.#join(this.#host.orderOf(orderId));
    }
  }

  /** Subscribes to a trade: its further orders are reported as added. */
  subscribeTrade(rootOrderId: bigint): void {
    this.#trade = rootOrderId;
    this.#host.subscribeTrade(this, rootOrderId);
  }

  /**
   * Starts orders, each at the version known to the watcher: it receives the changes after it.
   *
   * @returns the orders not started, as the feed is ahead and the changes between are not buffered:
   * to be read from the history after the given versions, and started again
   */
  start(versions: ReadonlyMap<bigint, number>): ReadonlyMap<bigint, number> {
    const behind = new Map<bigint, number>();
    for (const [orderId, version] of versions) {
      const order = this.#host.orderOf(orderId);
      const feedVersion = order.sequence.version ?? version;
      const buffered = this.#buffered.get(orderId) ?? [];
      const newer = buffered.filter((change) => change.version > version);
      if (feedVersion > version && newer[0]?.version !== version + 1) {
        behind.set(orderId, version);
        continue;
      }
      this.#buffered.delete(orderId);
      this.#addedOrders.delete(orderId);
      this.#changes.push(...newer);
      this.#pending -= buffered.length - newer.length;
      if (feedVersion < version) {
        this.#skipTo.set(orderId, version);
      }
      this.#host.start(order, version);
    }
    return behind;
  }

  unsubscribe(orderId: bigint): void {
    const order = this.#orders.get(orderId);
    if (order !== undefined) {
      this.#host.unsubscribe(this, order);
      this.#orders.delete(orderId);
      this.#addedOrders.delete(orderId);
      this.#pending -= this.#buffered.get(orderId)?.length ?? 0;
      this.#buffered.delete(orderId);
    }
  }

  /**
   * What has happened since the last call.
   *
   * @param waitMs maximum time to wait for an update; it is empty then, or when the signal aborts
   * @throws OperationError "lagging" when the watcher is too slow
   */
  async next(waitMs: number): Promise<FeedUpdate> {
    if (this.#changes.length === 0 && this.#addedOrders.size === 0 && !this.#lagging && !this.#signal.aborted) {
      await this.#idle.wait(waitMs);
    }
    this.throwIfLagging();
    const update = { changes: this.#changes, addedOrders: [...this.#addedOrders] };
    this.#pending -= this.#changes.length;
    this.#changes = [];
    this.#addedOrders.clear();
    return update;
  }

  /** @throws OperationError "lagging" when the watcher is too slow */
  throwIfLagging(): void {
    if (this.#lagging) {
      throw new OperationError(
        "lagging",
        `watch too slow: more than ${MAX_PENDING_CHANGES} changes pending; resume with after_versions`,
        { retryAfterMs: 1_000 },
      );
    }
  }

  close(): void {
    this.#signal.removeEventListener("abort", this.#idle.interrupt);
    for (const order of this.#orders.values()) {
      this.#host.unsubscribe(this, order);
    }
    this.#orders.clear();
    if (this.#trade !== undefined) {
      this.#host.unsubscribeTrade(this, this.#trade);
    }
  }

  /** For the feed: an order of the watched trade, which may be new to the reader. */
  addOrder(order: WatchedOrder): void {
    if (this.#join(order)) {
      this.#addedOrders.add(order.orderId);
      this.#idle.interrupt();
    }
  }

  /** For the feed: the next change of an order. */
  deliver(change: StatusChanged): void {
    if (this.#lagging || this.#isKnown(change)) {
      return;
    }
    const buffered = this.#buffered.get(change.orderId);
    (buffered ?? this.#changes).push(change);
    this.#pending += 1;
    if (this.#pending > MAX_PENDING_CHANGES) {
      this.#lagging = true;
      this.#changes = [];
      this.#buffered.clear();
      this.#idle.interrupt();
    } else if (buffered === undefined) {
      this.#idle.interrupt();
    }
  }

  #join(order: WatchedOrder): boolean {
    if (this.#orders.has(order.orderId)) {
      return false;
    }
    this.#orders.set(order.orderId, order);
    this.#buffered.set(order.orderId, []);
    order.readers.add(this);
    return true;
  }

  /** Whether the watcher started ahead of this change. */
  #isKnown({ orderId, version }: StatusChanged): boolean {
    const skipTo = this.#skipTo.get(orderId);
    if (skipTo === undefined) {
      return false;
    }
    if (version >= skipTo) {
      this.#skipTo.delete(orderId);
    }
    return version <= skipTo;
  }
}
