import type { StatusChanged } from "../../domain/events.ts";
import { readChangesSince } from "../../store/reads/history.ts";
import { readOrderIdsOfTrade } from "../../store/reads/orders.ts";
import type { Snapshot } from "../../store/reads/snapshots.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { invalidField, OperationError, orderNotFound } from "../errors.ts";
import { type OrderView, toOrderView } from "../orders/get-order-status.ts";
import type { ChangeReader } from "./change-reader.ts";

export interface WatchOrderStatusInput {
  /** Empty where a trade is watched. */
  readonly orderIds: readonly bigint[];
  /** 0 where orders are watched. */
  readonly rootOrderId: bigint;
  /** The last version that the watcher has seen, by order. */
  readonly afterVersions: ReadonlyMap<bigint, number>;
  /** How often a stream without news says that it is alive, in milliseconds. */
  readonly heartbeatMs: number;
}

export type WatchUpdate =
  | { readonly kind: "snapshot"; readonly standing: OrderView }
  | { readonly kind: "change"; readonly change: StatusChanged }
  | { readonly kind: "heartbeat" };

/**
 * An order's life as a stream: where each order stands (or, for one that the watcher has seen before, what it missed), then every
 * change in version order. Ends by an error or when the call is given up, never by itself.
 */
export async function* watchOrderStatus(
  deps: OperationDeps,
  input: WatchOrderStatusInput,
  { signal }: CallContext,
): AsyncGenerator<WatchUpdate> {
  const reader = deps.feed.open(signal);
  try {
    const orderIds = await joinOrders(deps, reader, input);
    yield* start(deps, reader, orderIds, input.afterVersions);
    while (true) {
      signal.throwIfAborted();
      const { changes, newcomers } = await reader.take(input.heartbeatMs);
      for (const change of changes) {
        yield { kind: "change", change };
      }
      if (newcomers.length > 0) {
        yield* startNewcomers(deps, reader, newcomers);
      } else if (changes.length === 0 && !signal.aborted) {
        yield { kind: "heartbeat" };
      }
    }
  } finally {
    reader.close();
  }
}

async function joinOrders(
  { db }: OperationDeps,
  reader: ChangeReader,
  { orderIds, rootOrderId, afterVersions }: WatchOrderStatusInput,
): Promise<readonly bigint[]> {
  if (rootOrderId !== 0n) {
    reader.watchTrade(rootOrderId);
    const ids = await readOrderIdsOfTrade(db, rootOrderId);
    if (ids.length === 0) {
      throw new OperationError("not-found", `trade ${rootOrderId} has no order`);
    }
    reader.watchOrders(ids);
    return ids;
  }
  const asked = new Set(orderIds);
  for (const id of afterVersions.keys()) {
    if (!asked.has(id)) {
      throw invalidField(`after_versions[${id}]`, "must be one of order_ids");
    }
  }
  reader.watchOrders([...asked]);
  return [...asked];
}

/** Where the orders stand, and what a returning watcher missed; from there on the reader tells. */
async function* start(
  { db, readSnapshot }: OperationDeps,
  reader: ChangeReader,
  orderIds: readonly bigint[],
  afterVersions: ReadonlyMap<bigint, number>,
): AsyncGenerator<WatchUpdate> {
  const snapshots = await readAll(readSnapshot, orderIds);
  const missed = await readMissed(db, snapshots, afterVersions);
  const versions = new Map<bigint, number>();
  for (const id of orderIds) {
    const snapshot = snapshots.get(id);
    if (snapshot === undefined) {
      throw orderNotFound(id);
    }
    versions.set(id, missed.get(id)?.at(-1)?.version ?? snapshot.version);
  }
  const behind = reader.begin(versions);
  for (const id of orderIds) {
    const changes = missed.get(id);
    if (changes === undefined) {
      yield { kind: "snapshot", standing: toOrderView(snapshots.get(id) as Snapshot) };
    } else {
      for (const change of changes) {
        yield { kind: "change", change };
      }
    }
  }
  yield* catchUp(db, reader, behind);
}

/** While these orders were read, other watchers were told more of them: the difference is in the history. */
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
  if (reader.begin(versions).size > 0) {
    throw new Error("the history does not reach the version that was told");
  }
}

/** One by one, as these reads share their queries with those of other watchers: many begin at once after a restart. */
async function readAll(
  readSnapshot: OperationDeps["readSnapshot"],
  orderIds: readonly bigint[],
): Promise<Map<bigint, Snapshot>> {
  const snapshots = await Promise.all(orderIds.map(readSnapshot));
  return new Map(snapshots.flatMap((snapshot) => (snapshot === undefined ? [] : [[snapshot.orderId, snapshot]])));
}

/**
 * What a returning watcher missed, by order. An order is left out, and so begins with a snapshot, when its history does not reach
 * back that far.
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

/** Orders that came to the trade later: each begins with a snapshot. */
async function* startNewcomers(
  { db, readSnapshot }: OperationDeps,
  reader: ChangeReader,
  newcomers: readonly bigint[],
): AsyncGenerator<WatchUpdate> {
  const snapshots = await readAll(readSnapshot, newcomers);
  for (const id of newcomers) {
    const snapshot = snapshots.get(id);
    if (snapshot === undefined) {
      reader.leave(id);
    } else {
      yield { kind: "snapshot", standing: toOrderView(snapshot) };
      yield* catchUp(db, reader, reader.begin(new Map([[id, snapshot.version]])));
    }
  }
}
