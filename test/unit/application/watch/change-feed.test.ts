import { describe, expect, onTestFinished, test } from "vitest";
import { type ChangeFeed, createChangeFeed } from "../../../../src/application/watch/change-feed.ts";
import { type ChangeReader, MAX_WAITING_CHANGES } from "../../../../src/application/watch/change-reader.ts";
import { type StatusChanged, statusMessageId } from "../../../../src/domain/events.ts";
import { eventually } from "../../../integration/transport/eventually.ts";

/** What was committed, and what the feed asked of it. */
function createHistory() {
  const committed: StatusChanged[] = [];
  const queries: [bigint, number][][] = [];
  let failures = 0;
  const feed: ChangeFeed = createChangeFeed({
    async changesSince(versions) {
      queries.push([...versions]);
      if (failures > 0) {
        failures -= 1;
        throw new Error("the database is away");
      }
      return committed
        .filter(({ orderId, version }) => version > (versions.get(orderId) ?? Number.POSITIVE_INFINITY))
        .toSorted((a, b) => Number(a.orderId - b.orderId) || a.version - b.version);
    },
    orderIdsOfTrade: async (root) => [
      ...new Set(committed.filter(({ rootParentId }) => rootParentId === root).map(({ orderId }) => orderId)),
    ],
  });
  onTestFinished(() => feed.close());
  return {
    feed,
    queries,
    fail(times: number) {
      failures = times;
    },
    /** Commits without telling the feed. */
    commit(orderId: bigint, version: number, rootParentId = orderId): StatusChanged {
      const change = changeOf(orderId, version, rootParentId);
      committed.push(change);
      return change;
    },
    forget(orderId: bigint, version: number) {
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

/** Takes news until it is told to stop. */
function follow(reader: ChangeReader) {
  const told: string[] = [];
  let failed: unknown;
  (async () => {
    for (;;) {
      const { changes } = await reader.take(1_000);
      told.push(...changes.map(({ messageId }) => messageId));
    }
  })().catch((error: unknown) => {
    failed = error;
  });
  return {
    told,
    failure: () => failed,
    toldExactly: (words: string[]) => eventually(() => expect(told).toEqual(words)),
  };
}

const NEVER = new AbortController().signal;

function watch(feed: ChangeFeed, versions: Record<number, number>): ChangeReader {
  const reader = feed.open(NEVER);
  onTestFinished(() => reader.close());
  const known = new Map(Object.entries(versions).map(([id, version]) => [BigInt(id), version]));
  reader.watchOrders([...known.keys()]);
  reader.begin(known);
  return reader;
}

describe("in version order, each once", () => {
  test("doubled and late news are told once", async () => {
    const { feed, commit, queries } = createHistory();
    const watcher = follow(watch(feed, { 1: 2 }));
    const [three, four] = [commit(1n, 3), commit(1n, 4)];

    for (const change of [commit(1n, 1), commit(1n, 2), three, three, four, three, four]) {
      feed.publish(change);
    }

    await watcher.toldExactly(["1-3", "1-4"]);
    expect(queries).toEqual([]);
  });

  test("out of order within a moment: no query", async () => {
    const { feed, commit, queries } = createHistory();
    const watcher = follow(watch(feed, { 1: 0 }));
    const changes = [1, 2, 3].map((version) => commit(1n, version));

    for (const change of changes.toReversed()) {
      feed.publish(change);
    }

    await watcher.toldExactly(["1-1", "1-2", "1-3"]);
    expect(queries).toEqual([]);
  });

  test("what never came is read from the history, for all orders that miss something at once", async () => {
    const { feed, commit, queries } = createHistory();
    const watcher = follow(watch(feed, { 1: 0, 2: 5, 3: 0 }));
    commit(1n, 1);
    commit(2n, 6);
    feed.publish(commit(3n, 1));
    feed.publish(commit(1n, 2));
    feed.publish(commit(2n, 7));

    await eventually(() => expect(watcher.told.toSorted()).toEqual(["1-1", "1-2", "2-6", "2-7", "3-1"]));
    expect(watcher.told.filter((id) => id.startsWith("1-"))).toEqual(["1-1", "1-2"]);
    expect(queries).toEqual([
      [
        [1n, 0],
        [2n, 5],
      ],
    ]);
  });

  test("the database is away: asked again until it answers", async () => {
    const { feed, commit, fail, queries } = createHistory();
    const watcher = follow(watch(feed, { 1: 0 }));
    fail(2);
    commit(1n, 1);
    feed.publish(commit(1n, 2));

    await eventually(() => expect(watcher.told).toEqual(["1-1", "1-2"]));
    expect(queries).toHaveLength(3);
  });

  test("a history with a hole: told on behind it", async () => {
    const { feed, commit, forget } = createHistory();
    const watcher = follow(watch(feed, { 1: 0 }));
    commit(1n, 1);
    forget(1n, 1);
    feed.publish(commit(1n, 2));

    await watcher.toldExactly(["1-2"]);
    feed.publish(commit(1n, 3));
    await watcher.toldExactly(["1-2", "1-3"]);
  });

  test("resync finds what nobody told", async () => {
    const { feed, commit, queries } = createHistory();
    const watcher = follow(watch(feed, { 1: 0, 2: 0 }));
    commit(1n, 1);
    commit(1n, 2);
    commit(2n, 1);

    feed.resync();

    await eventually(() => expect(watcher.told.toSorted()).toEqual(["1-1", "1-2", "2-1"]));
    expect(queries).toHaveLength(1);
  });
});

describe("a watcher that begins", () => {
  test("what is committed while it reads waits, and is told once", async () => {
    const { feed, commit } = createHistory();
    const reader = feed.open(NEVER);
    reader.watchOrders([1n]);
    feed.publish(commit(1n, 1));
    feed.publish(commit(1n, 2));
    // It has read the order at version 1.
    expect(reader.begin(new Map([[1n, 1]]))).toEqual(new Map());

    const watcher = follow(reader);
    feed.publish(commit(1n, 3));
    await watcher.toldExactly(["1-2", "1-3"]);
  });

  test("it knows more than the feed was told: nothing is told twice", async () => {
    const { feed, commit } = createHistory();
    const first = follow(watch(feed, { 1: 0 }));
    const second = follow(watch(feed, { 1: 2 }));

    for (const version of [1, 2, 3]) {
      feed.publish(commit(1n, version));
    }

    await first.toldExactly(["1-1", "1-2", "1-3"]);
    await second.toldExactly(["1-3"]);
  });

  test("it knows less than others were told: it has to read again", async () => {
    const { feed, commit } = createHistory();
    const slow = feed.open(NEVER);
    slow.watchOrders([1n]);
    // Another one reads later, and begins earlier.
    const quick = follow(watch(feed, { 1: 4 }));

    expect(slow.begin(new Map([[1n, 3]]))).toEqual(new Map([[1n, 3]]));
    expect(slow.begin(new Map([[1n, 4]]))).toEqual(new Map());

    const watcher = follow(slow);
    feed.publish(commit(1n, 5));
    await watcher.toldExactly(["1-5"]);
    await quick.toldExactly(["1-5"]);
  });

  test("a resync while it reads is not lost on it", async () => {
    const { feed, commit } = createHistory();
    const reader = feed.open(NEVER);
    reader.watchOrders([1n]);
    feed.resync();
    commit(1n, 1);
    reader.begin(new Map([[1n, 0]]));

    await follow(reader).toldExactly(["1-1"]);
  });
});

describe("a trade", () => {
  test("an order that comes later is a newcomer, whose changes wait until it begins", async () => {
    const { feed, commit } = createHistory();
    const reader = feed.open(NEVER);
    reader.watchTrade(10n);
    reader.watchOrders([10n]);
    reader.begin(new Map([[10n, 0]]));
    feed.publish(commit(11n, 1, 10n));
    feed.publish(commit(11n, 2, 10n));
    feed.publish(commit(99n, 1, 98n));

    expect(await reader.take(1_000)).toEqual({ changes: [], newcomers: [11n] });
    reader.begin(new Map([[11n, 1]]));
    const watcher = follow(reader);
    await watcher.toldExactly(["11-2"]);
    feed.publish(commit(10n, 1, 10n));
    await watcher.toldExactly(["11-2", "10-1"]);
  });

  test("an order that others watch already is a newcomer too", async () => {
    const { feed, commit } = createHistory();
    follow(watch(feed, { 11: 3 }));
    const reader = feed.open(NEVER);
    reader.watchTrade(10n);

    feed.publish(commit(11n, 4, 10n));

    expect(await reader.take(1_000)).toEqual({ changes: [], newcomers: [11n] });
  });

  test("resync finds newcomers that nobody told of", async () => {
    const { feed, commit } = createHistory();
    const reader = feed.open(NEVER);
    reader.watchTrade(10n);
    commit(11n, 1, 10n);

    feed.resync();

    expect(await reader.take(1_000)).toEqual({ changes: [], newcomers: [11n] });
  });
});

describe("many and slow watchers", () => {
  test("1,000 watchers of the same 100 orders: no query", async () => {
    const { feed, commit, queries } = createHistory();
    const orders = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [index + 1, 0]));
    const watchers = Array.from({ length: 1_000 }, () => follow(watch(feed, orders)));

    for (let version = 1; version <= 3; version += 1) {
      for (let order = 1n; order <= 100n; order += 1n) {
        feed.publish(commit(order, version));
      }
    }

    await eventually(() => expect(watchers.map(({ told }) => told.length)).toEqual(Array(1_000).fill(300)));
    expect(queries).toEqual([]);
  });

  test("one that does not take its news is told to come back, and holds up nobody", async () => {
    const { feed, commit } = createHistory();
    const slow = watch(feed, { 1: 0 });
    const quick = follow(watch(feed, { 1: 0 }));
    for (let version = 1; version <= MAX_WAITING_CHANGES + 1; version += 1) {
      feed.publish(commit(1n, version));
      if (version % 1_000 === 0) {
        await eventually(() => expect(quick.told).toHaveLength(version));
      }
    }

    await expect(slow.take(1_000)).rejects.toMatchObject({ kind: "fell-behind", retryAfterMs: 1_000 });
    await eventually(() => expect(quick.told).toHaveLength(MAX_WAITING_CHANGES + 1));
    expect(quick.failure()).toBeUndefined();
  });

  test("a closed one leaves nothing behind", async () => {
    const { feed, commit, queries } = createHistory();
    const reader = watch(feed, { 1: 0 });
    reader.close();
    feed.publish(commit(1n, 7));
    feed.resync();

    // A new watcher starts from nothing.
    const watcher = follow(watch(feed, { 1: 7 }));
    feed.publish(commit(1n, 8));
    await watcher.toldExactly(["1-8"]);
    expect(queries).toEqual([]);
  });

  test("nothing happens: empty news after the time, or at once when nobody listens any more", async () => {
    const { feed } = createHistory();
    const stop = new AbortController();
    const reader = feed.open(stop.signal);
    reader.watchOrders([1n]);
    reader.begin(new Map([[1n, 0]]));

    expect(await reader.take(5)).toEqual({ changes: [], newcomers: [] });
    const waiting = reader.take(60_000);
    stop.abort();
    expect(await waiting).toEqual({ changes: [], newcomers: [] });
  });
});
