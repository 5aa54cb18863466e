import { expect, test } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { eventually } from "../../support/eventually.ts";
import { eventsOf, insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import { startWatcher } from "../../support/watcher.ts";
import { countRows, daysAgo, passOnce } from "./fixture.ts";

const served = useService({ OMS_WATCH_HEARTBEAT_MS: "100" });
const { db } = served;

const operator = "sun";
const LIFE = [
  OrderStatus.PAID,
  OrderStatus.APPROVED,
  OrderStatus.ERP_ALLOCATED,
  OrderStatus.WMS_DISPATCHED,
  OrderStatus.DELIVERED,
];

const requestOf = (orderId: bigint, status: OrderStatus) => ({
  orderId,
  status,
  operator,
  requestId: `${orderId}-${status}`,
});

/** An order that was delivered 40 days ago, all its Actions done. */
async function delivered(): Promise<bigint> {
  const orderId = await insertOrder(db, Status.CREATED);
  await served.client("gRPC").batchUpdateOrderStatus({ updates: LIFE.map((status) => requestOf(orderId, status)) });
  const time = await daysAgo(db, 40);
  await db
    .updateTable("oms_db.oms_status_history")
    .set({ record_time: time })
    .where("order_id", "=", orderId)
    .execute();
  await db.updateTable("oms_db.oms_request").set({ record_time: time }).where("order_id", "=", orderId).execute();
  await db
    .updateTable("oms_db.oms_action_ledger")
    .set({ state: "DONE", next_attempt_time: null, first_time: time, finish_time: time })
    .where("order_id", "=", orderId)
    .execute();
  await db.updateTable("oms_db.oms_order_status").set({ update_date: time }).where("order_id", "=", orderId).execute();
  await db.deleteFrom("oms_db.oms_outbox").where("order_id", "=", orderId).execute();
  return orderId;
}

async function forgotten(): Promise<bigint> {
  const orderId = await delivered();
  expect((await countRows(db, orderId)).history).toBe(LIFE.length);
  await passOnce(db);
  expect(await countRows(db, orderId)).toEqual({ history: 0, ledger: 0, requests: 0 });
  return orderId;
}

test("the order stands where it stood, with an empty timeline", async () => {
  const client = served.client("gRPC");
  const orderId = await delivered();
  const before = await client.getOrderStatus({ orderId });
  const { entries, nextPageToken } = await client.listStatusHistory({ orderId, pageSize: 2 });
  expect(entries).toHaveLength(2);
  await passOnce(db);

  expect(await client.getOrderStatus({ orderId })).toEqual(before);
  expect(before).toMatchObject({ orderStatus: OrderStatus.DELIVERED, version: 5n, finished: true });
  expect(await client.listStatusHistory({ orderId })).toMatchObject({ entries: [], nextPageToken: "" });
  expect(await client.listStatusHistory({ orderId, pageToken: nextPageToken })).toMatchObject({
    entries: [],
    nextPageToken: "",
  });
  expect(await client.explainOrder({ orderId })).toMatchObject({ version: 5n, openActions: [] });
  expect(await served.clients("gRPC").actions.getOrderActions({ orderId })).toMatchObject({ entries: [] });
});

test("a watch of it goes on, and one that comes back begins with a snapshot, or has missed nothing", async () => {
  const client = served.client("gRPC");
  const orderId = await delivered();
  const other = await insertOrder(db, Status.CREATED);
  const running = startWatcher(client, { orderIds: [orderId, other] });
  await eventually(() => expect(running.updates).toHaveLength(2));
  await passOnce(db);
  const watch = (version: bigint) =>
    startWatcher(client, { orderIds: [orderId, other], afterVersions: { [String(orderId)]: version } });
  const [new_, behind, upToDate] = [watch(0n), watch(3n), watch(5n)];
  const snapshot = `${orderId} at 5: 6010`;
  await behind.expectUpdates([snapshot, `${other} at 0: 1000`]);
  await new_.expectUpdates([snapshot, `${other} at 0: 1000`]);
  await upToDate.expectUpdates([`${other} at 0: 1000`]);

  await client.updateOrderStatus({ orderId: other, status: OrderStatus.PAID, operator });
  for (const watcher of [running, new_, behind, upToDate]) {
    await eventually(() => expect(watcher.updates.at(-1)).toBe(`${other} 1: 1000 > 1010`));
  }
});

test("a history of which the beginning is gone leaves no gap in a watch", async () => {
  const client = served.client("gRPC");
  const orderId = await delivered();
  await db.deleteFrom("oms_db.oms_status_history").where("order_id", "=", orderId).where("version", "<=", 3).execute();
  const watch = (version: bigint) =>
    startWatcher(client, { orderIds: [orderId], afterVersions: { [String(orderId)]: version } });
  const [before, after] = [watch(1n), watch(3n)];
  await before.expectUpdates([`${orderId} at 5: 6010`]);
  await after.expectUpdates([`${orderId} 4: 2010 > 2020`, `${orderId} 5: 2020 > 6010`]);
});

test("a replay finds nothing to do anew", async () => {
  const { actions } = served.clients("gRPC");
  const orderId = await delivered();
  const asked = { operator, reason: "a test", orderIds: [orderId] };
  expect((await actions.getOrderActions({ orderId })).entries.length).toBeGreaterThan(0);
  await passOnce(db);
  const { actions: known } = await actions.listActions({});
  for (const { name } of known) {
    expect(await actions.replay({ action: name, ...asked })).toMatchObject({ replayedCount: 0n });
  }
  expect(await countRows(db, orderId)).toEqual({ history: 0, ledger: 0, requests: 0 });
});

test("a repeated request changes nothing and sends no event, though nobody knows its id any more", async () => {
  const client = served.client("gRPC");
  const orderId = await forgotten();
  const same = await client.updateOrderStatus(requestOf(orderId, OrderStatus.DELIVERED));
  expect(same).toMatchObject({ outcome: Outcome.DUPLICATE, version: 5n, messageId: `${orderId}-5` });
  const late = await client.updateOrderStatus(requestOf(orderId, OrderStatus.PAID));
  expect(late).toMatchObject({ outcome: Outcome.STALE, version: 5n });
  expect(await eventsOf(db, orderId)).toEqual([]);

  // The late report is kept as any other: a timeline that begins with it, and a watch that does not stumble over it.
  const { entries } = await client.listStatusHistory({ orderId });
  expect(entries).toMatchObject([{ outcome: Outcome.STALE, version: 5n }]);
  const watcher = startWatcher(client, { orderIds: [orderId], afterVersions: { [String(orderId)]: 2n } });
  await watcher.expectUpdates([`${orderId} at 5: 6010`]);
  await passOnce(db);
  expect(await countRows(db, orderId)).toEqual({ history: 1, ledger: 0, requests: 2 });
});
