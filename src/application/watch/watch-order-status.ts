import type { StatusChanged } from "../../domain/events.ts";
import { readChangesSince } from "../../store/reads/history.ts";
import { readOrderIdsOfTrade } from "../../store/reads/orders.ts";
import type { Snapshot } from "../../store/reads/snapshots.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { invalidField, OperationError, orderNotFound } from "../errors.ts";
import { type Scoped, visibilityOf } from "../order-scope.ts";
import { type OrderView, toOrderView } from "../orders/reads.ts";
import type { ChangeReader } from "./change-reader.ts";

export interface WatchOrderStatusInput {
  /** Empty for a trade. */
  readonly orderIds: readonly bigint[];
  /** The trade to watch; 0 for orders. */
  readonly rootOrderId: bigint;
  /** The last version that the watcher has received, by order. */
  readonly afterVersions: ReadonlyMap<bigint, number>;
  /** Interval between heartbeats of an idle stream, in milliseconds. */
  readonly heartbeatMs: number;
}

/** Orders whose snapshots are read at once, and sent in one turn of the event loop. */
const ORDERS_PER_BATCH = 25;

export type WatchUpdate =
  | { readonly kind: "snapshot"; readonly order: OrderView }
  | { readonly kind: "change"; readonly change: StatusChanged }
  | { readonly kind: "heartbeat" };

/**
 * The status of orders as a stream: a snapshot of each order (or the changes since the version that
 * the watcher has received), then every change in version order. Ends only with an error, or when
 * the call is cancelled.
 */
export async function* watchOrderStatus(
  deps: OperationDeps,
  input: WatchOrderStatusInput,
  context: CallContext,
): AsyncGenerator<WatchUpdate> {
  const { signal } = context;
  const reader = deps.feed.open(signal);
  try {
    const orderIds = await findOrders(deps, reader, input, context);
    // In batches, each read once the previous one is sent: a watcher that does not read holds the
    // memory of one.
    for (let start = 0; start < orderIds.length; start += ORDERS_PER_BATCH) {
      signal.throwIfAborted();
      reader.throwIfLagging();
      yield* startOrders(deps, reader, orderIds.slice(start, start + ORDERS_PER_BATCH), input.afterVersions);
    }
    while (true) {
      signal.throwIfAborted();
      const { changes, addedOrders } = await reader.next(input.heartbeatMs);
      for (const change of changes) {
        yield { kind: "change", change };
      }
      if (addedOrders.length > 0) {
        yield* startAddedOrders(deps, reader, addedOrders, context);
      } else if (changes.length === 0 && !signal.aborted) {
        yield { kind: "heartbeat" };
      }
    }
  } finally {
    reader.close();
  }
}

/** The orders to watch. Subscribes to a trade first, so that no order that joins it is missed. */
async function findOrders(
  deps: OperationDeps,
  reader: ChangeReader,
  { orderIds, rootOrderId, afterVersions }: WatchOrderStatusInput,
  context: Scoped,
): Promise<readonly bigint[]> {
  if (rootOrderId !== 0n) {
    reader.subscribeTrade(rootOrderId);
    const ids = await readOrderIdsOfTrade(deps.db, rootOrderId, context.orderScope);
    if (ids.length === 0) {
      throw new OperationError("not-found", `trade ${rootOrderId} has no orders`);
    }
    return ids;
  }
  const requested = new Set(orderIds);
  for (const id of afterVersions.keys()) {
    if (!requested.has(id)) {
      throw invalidField(`after_versions[${id}]`, "must be one of order_ids");
    }
  }
  const ids = [...requested];
  const isVisible = await visibilityOf(deps, ids, context);
  const hidden = ids.find((id) => !isVisible(id));
  if (hidden !== undefined) {
    throw orderNotFound(hidden);
  }
  return ids;
}

/** Subscribes to orders, and yields their snapshots, or what a resuming watcher missed. */
async function* startOrders(
  { db, feed, readWatchedSnapshot }: OperationDeps,
  reader: ChangeReader,
  orderIds: readonly bigint[],
  afterVersions: ReadonlyMap<bigint, number>,
): AsyncGenerator<WatchUpdate> {
  reader.subscribe(orderIds);
  const snapshots = await readAll(readWatchedSnapshot, orderIds);
  const missed = await readMissed(db, snapshots, afterVersions);
  const versions = new Map<bigint, number>();
  for (const id of orderIds) {
    const snapshot = snapshots.get(id);
    if (snapshot === undefined) {
      throw orderNotFound(id);
    }
    versions.set(id, missed.get(id)?.at(-1)?.version ?? snapshot.version);
  }
  const behind = reader.start(versions);
  await feed.turn();
  for (const id of orderIds) {
    const changes = missed.get(id);
    if (changes === undefined) {
      yield { kind: "snapshot", order: toOrderView(snapshots.get(id) as Snapshot) };
    } else {
      for (const change of changes) {
        yield { kind: "change", change };
      }
    }
  }
  yield* catchUp(db, reader, behind);
}

/** Reads from the history what the feed delivered to others while these orders were read. */
async function* catchUp(
  db: OperationDeps["db"],
  reader: ChangeReader,
  behind: ReadonlyMap<bigint, number>,
): AsyncGenerator<WatchUpdate> {
  if (behind.size === 0) {
    return;
  }
  const versions = new Map(behind);
  for (const change of await readChangesSince(db, behind)) {
    versions.set(change.orderId, change.version);
    yield { kind: "change", change };
  }
  if (reader.start(versions).size > 0) {
    throw new Error("status history lacks a version that the feed has delivered");
  }
}

/**
 * Reads orders one by one: concurrent reads share queries, also across the watchers that reconnect
 * after a restart.
 */
async function readAll(
  readSnapshot: OperationDeps["readWatchedSnapshot"],
  orderIds: readonly bigint[],
): Promise<Map<bigint, Snapshot>> {
  const snapshots = await Promise.all(orderIds.map(readSnapshot));
  return new Map(snapshots.flatMap((snapshot) => (snapshot === undefined ? [] : [[snapshot.orderId, snapshot]])));
}

/**
 * What a resuming watcher missed, by order. Without an order whose history does not reach back that
 * far: it starts with a snapshot.
 */
async function readMissed(
  db: OperationDeps["db"],
  snapshots: ReadonlyMap<bigint, Snapshot>,
  afterVersions: ReadonlyMap<bigint, number>,
): Promise<Map<bigint, StatusChanged[]>> {
  const missed = new Map<bigint, StatusChanged[]>();
  const behind = new Map<bigint, number>();
  for (const [id, version] of afterVersions) {
    const actual = snapshots.get(id)?.version;
    if (actual !== undefined && version > actual) {
      throw invalidField(`after_versions[${id}]`, `must be at most the order's version, ${actual}, was ${version}`);
    }
    if (actual !== undefined) {
      missed.set(id, []);
    }
    if (actual !== undefined && version < actual) {
      behind.set(id, version);
    }
  }
  if (behind.size > 0) {
    for (const change of await readChangesSince(db, behind)) {
      missed.get(change.orderId)?.push(change);
    }
  }
  for (const [id, version] of behind) {
    const changes = missed.get(id) ?? [];
    const complete = changes.length > 0 && changes.every((change, index) => change.version === version + 1 + index);
    if (!complete || (changes.at(-1)?.version ?? 0) < (snapshots.get(id)?.version ?? 0)) {
      missed.delete(id);
    }
  }
  return missed;
}

/** Starts orders that were added to the trade, each with a snapshot. */
async function* startAddedOrders(
  deps: OperationDeps,
  reader: ChangeReader,
  addedOrders: readonly bigint[],
  context: Scoped,
): AsyncGenerator<WatchUpdate> {
  const { db, readWatchedSnapshot } = deps;
  const isVisible = await visibilityOf(deps, addedOrders, context);
  const snapshots = await readAll(readWatchedSnapshot, addedOrders.filter(isVisible));
  for (const id of addedOrders) {
    const snapshot = snapshots.get(id);
    if (snapshot === undefined) {
      reader.unsubscribe(id);
    } else {
      yield { kind: "snapshot", order: toOrderView(snapshot) };
      yield* catchUp(db, reader, reader.start(new Map([[id, snapshot.version]])));
    }
  }
}
