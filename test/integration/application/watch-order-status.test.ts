import { expect, test } from "vitest";
import { type WatchUpdate, watchOrderStatus } from "../../../src/application/watch/watch-order-status.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { CONTEXT, insertOrder, useOperations, useStore } from "../store/fixture.ts";

const { db } = useStore();
const { operations } = useOperations(db);

const insertOrders = (count: number) =>
  Promise.all(Array.from({ length: count }, () => insertOrder(db, { status: Status.CREATED })));

function startWatch(orderIds: readonly bigint[]) {
  const read: bigint[] = [];
  const abort = new AbortController();
  const updates = watchOrderStatus(
    {
      ...operations,
      readWatchedSnapshot: (orderId) => {
        read.push(orderId);
        return operations.readWatchedSnapshot(orderId);
      },
    },
    { orderIds, rootOrderId: 0n, afterVersions: new Map(), heartbeatMs: 60_000 },
    { ...CONTEXT, signal: abort.signal },
  );
  return { updates, read, abort };
}

async function take(updates: AsyncGenerator<WatchUpdate>, count: number): Promise<bigint[]> {
  const orderIds: bigint[] = [];
  while (orderIds.length < count) {
    const { value } = await updates.next();
    orderIds.push(value.order.orderId);
  }
  return orderIds;
}

test("orders are read 25 at a time, as the watcher takes them, each once and in order", async () => {
  const orderIds = await insertOrders(60);
  const { updates, read, abort } = startWatch(orderIds);
  expect(await take(updates, 1)).toEqual(orderIds.slice(0, 1));
  expect(read).toEqual(orderIds.slice(0, 25));
  expect(await take(updates, 59)).toEqual(orderIds.slice(1));
  expect(read).toEqual(orderIds);
  abort.abort();
  await expect(updates.next()).rejects.toThrow();
});

test("an unknown order ends the watch once it is reached", async () => {
  const orderIds = await insertOrders(25);
  const { updates } = startWatch([...orderIds, 404n]);
  expect(await take(updates, 25)).toEqual(orderIds);
  await expect(updates.next()).rejects.toMatchObject({ kind: "not-found" });
});
