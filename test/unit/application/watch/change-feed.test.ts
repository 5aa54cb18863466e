import { describe, expect, onTestFinished, test } from "vitest";
import { ChangeFeed } from "../../../../src/application/watch/change-feed.ts";
import { type ChangeReader, MAX_PENDING_CHANGES } from "../../../../src/application/watch/change-reader.ts";
import { type StatusChanged, statusMessageId } from "../../../../src/domain/events.ts";
import { eventually } from "../../../support/eventually.ts";

/** A feed, the history that it reads, and its queries. */
function createHarness(announcedRetryMs?: readonly number[]) {
  const committed: StatusChanged[] = [];
  const queries: [bigint, number][][] = [];
  let failures = 0;
  const feed = new ChangeFeed(
    {
      async changesSince(versions) {
        queries.push([...versions]);
        if (failures > 0) {
          failures -= 1;
          throw new Error("database unavailable");
        }
        return committed
          .filter(({ orderId, version }) => version > (versions.get(orderId) ?? Number.POSITIVE_INFINITY))
          .toSorted((a, b) => Number(a.orderId - b.orderId) || a.version - b.version);
      },
      orderIdsOfTrade: async (root) => [
        ...new Set(committed.filter(({ rootParentId }) => rootParentId === root).map(({ orderId }) => orderId)),
      ],
    },
    announcedRetryMs,
  );
  onTestFinished(() => feed.close());
  return {
    feed,
    queries,
    fail(times: number) {
      failures = times;
    },
    /** Commits without publishing to the feed. */
    commit(orderId: bigint, version: number, rootParentId = orderId): StatusChanged {
      const change = changeOf(orderId, version, rootParentId);
      committed.push(change);
      return change;
    },
    deleteChange(orderId: bigint, version: number) {
      committed.splice(
        committed.findIndex((change) => change.orderId === orderId && change.version === version),
        1,
      );
    },
  };
}

function changeOf(orderId: bigint, version: number, rootParentId: bigint): StatusChanged {
  return {
    type: "status-changed",
    messageId: statusMessageId(orderId, version),
    orderId,
    rootParentId,
    orderSource: 1000,
    orderType: 1,
    recordTime: new Date(0),
    caller: "wms",
    operator: "li",
    authenticatedOperator: "",
    traceparent: "",
    warehouseCount: 0,
    fromStatus: 5020,
    toStatus: 6030,
    version,
    occurTime: new Date(0),
    requestId: "",
    remark: "",
  };
}

/** Collects the changes that a reader receives, by message id. */
function follow(reader: ChangeReader) {
  const received: string[] = [];
  let failed: unknown;
  (async () => {
    for (;;) {
      const { changes } = await reader.next(1_000);
      received.push(...changes.map(({ messageId }) => messageId));
    }
  })().catch((error: unknown) => {
    failed = error;
  });
  return {
    received,
    failure: () => failed,
    expectExactly: (ids: string[]) => eventually(() => expect(received).toEqual(ids)),
  };
}

const NEVER = new AbortController().signal;

function watch(feed: ChangeFeed, versions: Record<number, number>): ChangeReader {
  const reader = feed.open(NEVER);
  onTestFinished(() => reader.close());
  const known = new Map(Object.entries(versions).map(([id, version]) => [BigInt(id), version]));
  reader.subscribe([...known.keys()]);
  reader.start(known);
  return reader;
}

describe("changes are delivered in version order, each once", () => {
  test("repeated and late changes are delivered once", async () => {
    const { feed, commit, queries } = createHarness();
    const watcher = follow(watch(feed, { 1: 2 }));
    const [three, four] = [commit(1n, 3), commit(1n, 4)];

    for (const change of [commit(1n, 1), commit(1n, 2), three, three, four, three, four]) {
      feed.publish(change);
    }

    await watcher.expectExactly(["1-3", "1-4"]);
    expect(queries).toEqual([]);
  });

  test("slightly out of order: no query", async () => {
    const { feed, commit, queries } = createHarness();
    const watcher = follow(watch(feed, { 1: 0 }));
    const changes = [1, 2, 3].map((version) => commit(1n, version));

    for (const change of changes.toReversed()) {
      feed.publish(change);
    }

    await watcher.expectExactly(["1-1", "1-2", "1-3"]);
    expect(queries).toEqual([]);
  });

  test("missing changes are read from the history, for all incomplete orders in one query", async () => {
    const { feed, commit, queries } = createHarness();
    const watcher = follow(watch(feed, { 1: 0, 2: 5, 3: 0 }));
    commit(1n, 1);
    commit(2n, 6);
    feed.publish(commit(3n, 1));
    feed.publish(commit(1n, 2));
    feed.publish(commit(2n, 7));

    await eventually(() => expect(watcher.received.toSorted()).toEqual(["1-1", "1-2", "2-6", "2-7", "3-1"]));
    expect(watcher.received.filter((id) => id.startsWith("1-"))).toEqual(["1-1", "1-2"]);
    expect(queries).toEqual([
      [
        [1n, 0],
        [2n, 5],
      ],
    ]);
  });

  test("a failing query is retried", async () => {
    const { feed, commit, fail, queries } = createHarness();
    const watcher = follow(watch(feed, { 1: 0 }));
    fail(2);
    commit(1n, 1);
    feed.publish(commit(1n, 2));

    await eventually(() => expect(watcher.received).toEqual(["1-1", "1-2"]));
    expect(queries).toHaveLength(3);
  });

  test("a hole in the history is skipped", async () => {
    const { feed, commit, deleteChange } = createHarness();
    const watcher = follow(watch(feed, { 1: 0 }));
    commit(1n, 1);
    deleteChange(1n, 1);
    feed.publish(commit(1n, 2));

    await watcher.expectExactly(["1-2"]);
    feed.publish(commit(1n, 3));
    await watcher.expectExactly(["1-2", "1-3"]);
  });

  test("resync finds changes that were not published", async () => {
    const { feed, commit, queries } = createHarness();
    const watcher = follow(watch(feed, { 1: 0, 2: 0 }));
    commit(1n, 1);
    commit(1n, 2);
    commit(2n, 1);

    feed.resync();

    await eventually(() => expect(watcher.received.toSorted()).toEqual(["1-1", "1-2", "2-1"]));
    expect(queries).toHaveLength(1);
  });
});

describe("a starting watcher", () => {
  test("changes committed while it reads the orders are buffered, and delivered once", async () => {
    const { feed, commit } = createHarness();
    const reader = feed.open(NEVER);
    reader.subscribe([1n]);
    feed.publish(commit(1n, 1));
    feed.publish(commit(1n, 2));
    // The watcher has read the order at version 1.
    expect(reader.start(new Map([[1n, 1]]))).toEqual(new Map());

    const watcher = follow(reader);
    feed.publish(commit(1n, 3));
    await watcher.expectExactly(["1-2", "1-3"]);
  });

  test("ahead of the feed: known changes are skipped", async () => {
    const { feed, commit } = createHarness();
    const first = follow(watch(feed, { 1: 0 }));
    const second = follow(watch(feed, { 1: 2 }));

    for (const version of [1, 2, 3]) {
      feed.publish(commit(1n, version));
    }

    await first.expectExactly(["1-1", "1-2", "1-3"]);
    await second.expectExactly(["1-3"]);
  });

  test("behind the feed: it has to read the history first", async () => {
    const { feed, commit } = createHarness();
    const slow = feed.open(NEVER);
    slow.subscribe([1n]);
    // Another watcher reads later, and starts earlier.
    const quick = follow(watch(feed, { 1: 4 }));

    expect(slow.start(new Map([[1n, 3]]))).toEqual(new Map([[1n, 3]]));
    expect(slow.start(new Map([[1n, 4]]))).toEqual(new Map());

    const watcher = follow(slow);
    feed.publish(commit(1n, 5));
    await watcher.expectExactly(["1-5"]);
    await quick.expectExactly(["1-5"]);
  });

  test("a resync while it reads the orders takes effect once started", async () => {
    const { feed, commit } = createHarness();
    const reader = feed.open(NEVER);
    reader.subscribe([1n]);
    feed.resync();
    commit(1n, 1);
    reader.start(new Map([[1n, 0]]));

    await follow(reader).expectExactly(["1-1"]);
  });
});

describe("a trade", () => {
  test("a further order is reported as added; its changes are buffered until it is started", async () => {
    const { feed, commit } = createHarness();
    const reader = feed.open(NEVER);
    reader.subscribeTrade(10n);
    reader.subscribe([10n]);
    reader.start(new Map([[10n, 0]]));
    feed.publish(commit(11n, 1, 10n));
    feed.publish(commit(11n, 2, 10n));
    feed.publish(commit(99n, 1, 98n));

    expect(await reader.next(1_000)).toEqual({ changes: [], addedOrders: [11n] });
    reader.start(new Map([[11n, 1]]));
    const watcher = follow(reader);
    await watcher.expectExactly(["11-2"]);
    feed.publish(commit(10n, 1, 10n));
    await watcher.expectExactly(["11-2", "10-1"]);
  });

  test("an order that others already watch is reported as added too", async () => {
    const { feed, commit } = createHarness();
    follow(watch(feed, { 11: 3 }));
    const reader = feed.open(NEVER);
    reader.subscribeTrade(10n);

    feed.publish(commit(11n, 4, 10n));

    expect(await reader.next(1_000)).toEqual({ changes: [], addedOrders: [11n] });
  });

  test("resync finds added orders that were not published", async () => {
    const { feed, commit } = createHarness();
    const reader = feed.open(NEVER);
    reader.subscribeTrade(10n);
    commit(11n, 1, 10n);

    feed.resync();

    expect(await reader.next(1_000)).toEqual({ changes: [], addedOrders: [11n] });
  });
});

describe("many and slow watchers", () => {
  test("1,000 watchers of the same 100 orders: no query", async () => {
    const { feed, commit, queries } = createHarness();
    const orders = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [index + 1, 0]));
    const watchers = Array.from({ length: 1_000 }, () => follow(watch(feed, orders)));

    for (let version = 1; version <= 3; version += 1) {
      for (let order = 1n; order <= 100n; order += 1n) {
        feed.publish(commit(order, version));
      }
    }

    await eventually(() => expect(watchers.map(({ received }) => received.length)).toEqual(Array(1_000).fill(300)));
    expect(queries).toEqual([]);
  });

  test("a slow watcher fails and can resume; others are not delayed", async () => {
    const { feed, commit } = createHarness();
    const slow = watch(feed, { 1: 0 });
    const quick = follow(watch(feed, { 1: 0 }));
    for (let version = 1; version <= MAX_PENDING_CHANGES + 1; version += 1) {
      feed.publish(commit(1n, version));
      if (version % 1_000 === 0) {
        await eventually(() => expect(quick.received).toHaveLength(version));
      }
    }

    await expect(slow.next(1_000)).rejects.toMatchObject({ kind: "lagging", retryAfterMs: 1_000 });
    await eventually(() => expect(quick.received).toHaveLength(MAX_PENDING_CHANGES + 1));
    expect(quick.failure()).toBeUndefined();
  });

  test("a closed reader leaves nothing behind", async () => {
    const { feed, commit, queries } = createHarness();
    const reader = watch(feed, { 1: 0 });
    reader.close();
    feed.publish(commit(1n, 7));
    feed.resync();

    // The feed has no state left for a new watcher.
    const watcher = follow(watch(feed, { 1: 7 }));
    feed.publish(commit(1n, 8));
    await watcher.expectExactly(["1-8"]);
    expect(queries).toEqual([]);
  });

  test("without changes: an empty update after the wait, or at once when the signal aborts", async () => {
    const { feed } = createHarness();
    const stop = new AbortController();
    const reader = feed.open(stop.signal);
    reader.subscribe([1n]);
    reader.start(new Map([[1n, 0]]));

    expect(await reader.next(5)).toEqual({ changes: [], addedOrders: [] });
    const waiting = reader.next(60_000);
    stop.abort();
    expect(await waiting).toEqual({ changes: [], addedOrders: [] });
  });
});

describe("changes announced by the broker", () => {
  const RETRY_MS = [1, 1];

  test("are read from the history; nothing of the message is delivered", async () => {
    const { feed, commit } = createHarness();
    const reader = openReader(feed, [1n], 0);
    const change = commit(1n, 1);
    feed.announce({ ...change, toStatus: 6010, operator: "forged" } as StatusChanged);
    await eventually(async () => expect((await reader.next(0)).changes).toEqual([change]));
  });

  test("that do not exist are dropped after a few reads", async () => {
    const { feed, queries, commit } = createHarness(RETRY_MS);
    const reader = openReader(feed, [1n], 0);
    feed.announce(changeOf(1n, 1_000_000, 1n));
    await eventually(() => expect(queries).toHaveLength(RETRY_MS.length + 1));
    const change = commit(1n, 1);
    feed.announce(change);
    await eventually(async () => expect((await reader.next(0)).changes).toEqual([change]));
    expect(queries).toHaveLength(RETRY_MS.length + 2);
  });

  test("are read again while the node lags behind the broker", async () => {
    const { feed, commit, queries } = createHarness();
    const reader = openReader(feed, [1n], 0);
    feed.announce(changeOf(1n, 1, 1n));
    await eventually(() => expect(queries.length).toBeGreaterThan(1));
    const change = commit(1n, 1);
    await eventually(async () => expect((await reader.next(0)).changes).toEqual([change]));
  });

  test("add an order to a watched trade only if the database has it in that trade", async () => {
    const { feed, commit } = createHarness();
    const reader = feed.open(new AbortController().signal);
    onTestFinished(() => reader.close());
    reader.subscribeTrade(10n);
    commit(99n, 1, 98n);
    feed.announce({ orderId: 99n, version: 1, rootParentId: 10n });
    commit(11n, 1, 10n);
    feed.announce({ orderId: 11n, version: 1, rootParentId: 10n });
    await eventually(async () => expect((await reader.next(0)).addedOrders).toEqual([11n]));
  });
});

/** A reader of orders that have this version. */
function openReader(feed: ChangeFeed, orderIds: readonly bigint[], version: number): ChangeReader {
  const reader = feed.open(new AbortController().signal);
  onTestFinished(() => reader.close());
  reader.subscribe(orderIds);
  reader.start(new Map(orderIds.map((orderId) => [orderId, version])));
  return reader;
}

test("announcements are wanted only while an order or a trade is watched", () => {
  const { feed } = createHarness();
  let wanted: boolean | undefined;
  feed.onDemand((watched) => {
    wanted = watched;
  });
  expect(wanted).toBe(false);
  const { signal } = new AbortController();
  const [orders, trade] = [feed.open(signal), feed.open(signal)];
  orders.subscribe([1n, 2n]);
  expect(wanted).toBe(true);
  trade.subscribeTrade(7n);
  orders.close();
  expect(wanted).toBe(true);
  trade.close();
  expect(wanted).toBe(false);
});
