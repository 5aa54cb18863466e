import { beforeEach, expect, test, vi } from "vitest";
import { statusChanged } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { useNats } from "../../support/servers.ts";
import { storedIds, useClient } from "../nats/support.ts";
import { commit, outboxIds, rowsOf, useDatabase, useRelay } from "./support.ts";

const nats = useNats();
const database = useDatabase();

beforeEach(async () => {
  await nats.wipe();
  await database().deleteFrom("oms_db.oms_outbox").execute();
  await database().deleteFrom("oms_db.oms_action_ledger").execute();
});

/** Status changes of these orders, version by version, recorded now. */
function changes(orderIds: readonly bigint[], from: number, to: number) {
  const events = [];
  for (let version = from; version <= to; version += 1) {
    events.push(...orderIds.map((orderId) => statusChanged({ orderId, toStatus: 3010, version })));
  }
  return events;
}

const idsOf = (events: readonly { messageId: string }[]) => events.map(({ messageId }) => messageId);

async function stored(): Promise<string[]> {
  return storedIds(await useClient(nats.url));
}

test("an event is published from memory, kept in the table for its retention, and deleted", async () => {
  const db = database();
  const { relay, republished } = useRelay(nats.url, db, { retentionMs: 3_000 });
  const events = changes([1n, 2n], 1, 3);
  relay.enqueue(rowsOf(await commit(db, events)));
  await eventually(async () => expect(await stored()).toHaveLength(6));
  expect(await outboxIds(db)).toEqual(idsOf(events));
  await eventually(async () => expect(await outboxIds(db)).toEqual([]));
  expect(relay.unpublished()).toBe(0);
  expect(await republished("sweep")).toBe(0);
});

test("events left by a crash are published at the start, before new ones", async () => {
  const db = database();
  await commit(db, changes([1n, 2n], 1, 2));
  await nats.kill();
  const { relay, republished } = useRelay(nats.url, db);
  relay.enqueue(rowsOf(await commit(db, changes([1n, 2n], 3, 4))));
  expect(relay.unpublished()).toBe(4);
  await nats.restart();
  await eventually(async () => expect(await stored()).toHaveLength(8));
  relay.enqueue(rowsOf(await commit(db, changes([1n, 2n], 5, 5))));
  await eventually(async () => expect(await stored()).toEqual(idsOf(changes([1n, 2n], 1, 5))));
  expect(await republished("start")).toBeGreaterThanOrEqual(8);
});

test("at a start, events published long ago are republished beside new ones, and deleted in their turn", async () => {
  const db = database();
  const first = useRelay(nats.url, db);
  await eventually(() => expect(first.stream.events).toEqual(["first"]));
  const old = changes([1n, 2n], 1, 3).map((event) => ({ ...event, recordTime: new Date(Date.now() - 60_000) }));
  first.relay.enqueue(rowsOf(await commit(db, old)));
  first.relay.enqueue(rowsOf(await commit(db, changes([3n], 1, 1))));
  await eventually(async () => expect(await stored()).toHaveLength(7));
  await first.stop();
  // Committed by a server that died before it could publish.
  await commit(db, changes([3n], 2, 2));

  const second = useRelay(nats.url, db, { retentionMs: 500 });
  await eventually(async () => expect((await stored()).slice(7)).toEqual(["3-2"]));
  await eventually(async () => expect(await second.republished("start")).toBe(8));
  await eventually(async () => expect(await outboxIds(db)).toEqual([]));
});

test("changes are accepted while the broker is down; those beyond the memory limit are read from the table", async () => {
  const db = database();
  const { relay, stream } = useRelay(nats.url, db, { maxInMemory: 10 });
  await eventually(() => expect(stream.events).toEqual(["first"]));
  relay.enqueue(rowsOf(await commit(db, changes([9n], 1, 1))));
  await eventually(async () => expect(await stored()).toEqual(["9-1"]));
  await nats.kill();
  await eventually(() => expect(stream.client()).toBeUndefined());
  for (let version = 1; version <= 20; version += 1) {
    relay.enqueue(rowsOf(await commit(db, changes([1n, 2n], version, version))));
  }
  expect(relay.unpublished()).toBeLessThanOrEqual(10);
  await nats.restart();
  await eventually(async () => expect(await stored()).toHaveLength(41));
  const order1 = (await stored()).filter((id) => id.startsWith("1-"));
  expect(order1).toEqual(idsOf(changes([1n], 1, 20)));
});

test("a broker that lost its directory receives everything again, in order, before new events", async () => {
  const db = database();
  const { relay, stream, republished } = useRelay(nats.url, db);
  relay.enqueue(rowsOf(await commit(db, changes([1n, 2n, 3n], 1, 3))));
  await eventually(async () => expect(await stored()).toHaveLength(9));
  await nats.kill();
  await eventually(() => expect(stream.client()).toBeUndefined());
  relay.enqueue(rowsOf(await commit(db, changes([1n, 2n, 3n], 4, 4))));
  await nats.wipe();
  await eventually(async () => expect(await stored()).toEqual(idsOf(changes([1n, 2n, 3n], 1, 4))));
  await eventually(async () => expect(await republished("reconnect")).toBe(12));
});

test("after any other restart of the broker the table is republished, and the broker drops the repeats", async () => {
  const db = database();
  const { relay, stream, republished } = useRelay(nats.url, db);
  const events = changes([1n, 2n, 3n], 1, 3);
  relay.enqueue(rowsOf(await commit(db, events)));
  await eventually(async () => expect(await stored()).toHaveLength(9));
  await nats.restart();
  await eventually(async () => expect(await republished("reconnect")).toBe(9));
  expect(stream.events).toEqual(["first", "restarted"]);
  expect(await stored()).toEqual(idsOf(events));
});

test("events left by a stopped server are found by a running one, published once, and deleted", async () => {
  const db = database();
  const { relay, republished, stream } = useRelay(nats.url, db, { retentionMs: 500 });
  await eventually(() => expect(stream.events).toEqual(["first"]));
  relay.enqueue(rowsOf(await commit(db, changes([1n], 1, 1))));
  await eventually(async () => expect(await stored()).toEqual(["1-1"]));
  // Committed by a server that never publishes it.
  await commit(db, changes([5n], 1, 2));
  await eventually(async () => expect((await stored()).toSorted()).toEqual(["1-1", "5-1", "5-2"]));
  await eventually(async () => expect(await outboxIds(db)).toEqual([]));
  expect(await republished("sweep")).toBe(2);
});

test("an event that an Action still needs is not deleted, and not republished by each sweep", async () => {
  const db = database();
  const { relay, republished } = useRelay(nats.url, db, { retentionMs: 200 });
  const subscriptionsFor = ({ orderId }: { orderId: bigint }) => (orderId === 1n ? [{ action: "tester" }] : []);
  relay.enqueue(rowsOf(await commit(db, changes([1n, 2n], 1, 1), { subscriptionsFor })));
  await eventually(async () => expect(await outboxIds(db)).toEqual(["1-1"]));
  // Were it republished by a sweep, it would have been by the time a later event is deleted.
  relay.enqueue(rowsOf(await commit(db, changes([3n], 1, 1))));
  await eventually(async () => expect(await outboxIds(db)).toEqual(["1-1"]));
  await eventually(async () => expect(await stored()).toEqual(["1-1", "2-1", "3-1"]));
  expect(await republished("sweep")).toBe(0);
});

test("a stop publishes what it can, and leaves the rest in the table", async () => {
  const db = database();
  const first = useRelay(nats.url, db);
  await eventually(() => expect(first.stream.events).toEqual(["first"]));
  await eventually(async () => {
    first.relay.enqueue(rowsOf(await commit(db, changes([7n], 1, 1))));
    expect(await stored()).toContain("7-1");
  });
  first.relay.enqueue(rowsOf(await commit(db, changes([1n, 2n], 1, 50))));
  await first.stop();
  expect(await stored()).toHaveLength(101);
  expect(first.relay.unpublished()).toBe(0);

  await nats.kill();
  const second = useRelay(nats.url, db);
  second.relay.enqueue(rowsOf(await commit(db, changes([3n], 1, 1))));
  await second.stop();
  expect(await outboxIds(db)).toContain("3-1");
  await nats.restart();
});

test("watchers are resynchronized after events of other servers were published", async () => {
  const db = database();
  await commit(db, changes([1n], 1, 1));
  const onRepublished = vi.fn();
  useRelay(nats.url, db, { onRepublished });
  await eventually(() => expect(onRepublished).toHaveBeenCalled());
});
