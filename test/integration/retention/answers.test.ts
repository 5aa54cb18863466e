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

/** An order that was delivered 40 days ago, with all its entries done. */
async function insertDelivered(): Promise<bigint> {
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

async function insertPurged(): Promise<bigint> {
  const orderId = await insertDelivered();
  expect((await countRows(db, orderId)).history).toBe(LIFE.length);
  await passOnce(db);
  expect(await countRows(db, orderId)).toEqual({ history: 0, ledger: 0, requests: 0 });
  return orderId;
}

test("a purged order keeps its state, with an empty history", async () => {
  const client = served.client("gRPC");
  const orderId = await insertDelivered();
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

test("a running watch continues, and a resumed one starts with a snapshot or has missed nothing", async () => {
  const client = served.client("gRPC");
  const orderId = await insertDelivered();
  const other = await insertOrder(db, Status.CREATED);
  const running = startWatcher(client, { orderIds: [orderId, other] });
  await eventually(() => expect(running.updates).toHaveLength(2));
  await passOnce(db);
  const watch = (version: bigint) =>
    startWatcher(client, { orderIds: [orderId, other], afterVersions: { [String(orderId)]: version } });
  const [fresh, behind, upToDate] = [watch(0n), watch(3n), watch(5n)];
  const snapshot = `${orderId} at 5: 6010`;
  await behind.expectUpdates([snapshot, `${other} at 0: 1000`]);
  await fresh.expectUpdates([snapshot, `${other} at 0: 1000`]);
  await upToDate.expectUpdates([`${other} at 0: 1000`]);

  await client.updateOrderStatus({ orderId: other, status: OrderStatus.PAID, operator });
  for (const watcher of [running, fresh, behind, upToDate]) {
    await eventually(() => expect(watcher.updates.at(-1)).toBe(`${other} 1: 1000 > 1010`));
  }
});

test("a partly purged history leaves no gap in a watch", async () => {
  const client = served.client("gRPC");
  const orderId = await insertDelivered();
  await db.deleteFrom("oms_db.oms_status_history").where("order_id", "=", orderId).where("version", "<=", 3).execute();
  const watch = (version: bigint) =>
    startWatcher(client, { orderIds: [orderId], afterVersions: { [String(orderId)]: version } });
  const [before, after] = [watch(1n), watch(3n)];
  await before.expectUpdates([`${orderId} at 5: 6010`]);
  await after.expectUpdates([`${orderId} 4: 2010 > 2020`, `${orderId} 5: 2020 > 6010`]);
});

test("a replay finds nothing to run again", async () => {
  const { actions } = served.clients("gRPC");
  const orderId = await insertDelivered();
  const request = { operator, reason: "a test", orderIds: [orderId] };
  expect((await actions.getOrderActions({ orderId })).entries.length).toBeGreaterThan(0);
  await passOnce(db);
  const { actions: known } = await actions.listActions({});
  for (const { name } of known) {
    expect(await actions.replay({ action: name, ...request })).toMatchObject({ replayedCount: 0n });
  }
  expect(await countRows(db, orderId)).toEqual({ history: 0, ledger: 0, requests: 0 });
});

test("a repeated request whose id is purged changes nothing and sends no event", async () => {
  const client = served.client("gRPC");
  const orderId = await insertPurged();
  const same = await client.updateOrderStatus(requestOf(orderId, OrderStatus.DELIVERED));
  expect(same).toMatchObject({ outcome: Outcome.DUPLICATE, version: 5n, messageId: `${orderId}-5` });
  const late = await client.updateOrderStatus(requestOf(orderId, OrderStatus.PAID));
  expect(late).toMatchObject({ outcome: Outcome.STALE, version: 5n });
  expect(await eventsOf(db, orderId)).toEqual([]);

  // The stale report is recorded as usual: the history starts with it, and a watch skips it.
  const { entries } = await client.listStatusHistory({ orderId });
  expect(entries).toMatchObject([{ outcome: Outcome.STALE, version: 5n }]);
  const watcher = startWatcher(client, { orderIds: [orderId], afterVersions: { [String(orderId)]: 2n } });
  await watcher.expectUpdates([`${orderId} at 5: 6010`]);
  await passOnce(db);
  expect(await countRows(db, orderId)).toEqual({ history: 1, ledger: 0, requests: 2 });
});
