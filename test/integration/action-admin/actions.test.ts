import { expect, test } from "vitest";
import { ActionState, InterventionKind } from "../../../gen/oms/operations/v1/action_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { type Server, useFlows } from "../flows/harness.ts";

const harness = useFlows();
const ACTION = "customer-message";
const operator = "ops-1";

/** Orders that are handed over, of which their customers are notified. */
async function handOver({ client }: Server, count: number): Promise<bigint[]> {
  const orderIds = await Promise.all(Array.from({ length: count }, () => insertOrder(harness.db, OrderStatus.PACKED)));
  await Promise.all(
    orderIds.map((orderId) => client.updateOrderStatus({ orderId, status: OrderStatus.HANDED_OVER, operator: "wms" })),
  );
  return orderIds.toSorted((a, b) => Number(a - b));
}

const messageId = (orderId: bigint) => `${orderId}-1`;

/** Waits until the Action's entries of the orders are in this state. */
function actionIs({ actions }: Server, orderIds: readonly bigint[], state: ActionState): Promise<void> {
  return eventually(async () => {
    for (const orderId of orderIds) {
      const { entries } = await actions.getOrderActions({ orderId });
      expect(entries.find(({ action }) => action === ACTION)?.state).toBe(state);
    }
  });
}

/** Number of messages to an order's customer. */
async function countMessages(orderId: bigint): Promise<number> {
  const { received } = await harness.stubSystems.received({ system: "message", key: messageId(orderId) });
  return received.filter(({ done }) => done).length;
}

test("a rejected event is parked, listed, and takes effect once when it is retried", async () => {
  const server = await harness.start();
  await harness.stubSystems.control({ system: "message", mode: "refuse", reason: "number blocked" });
  const orderIds = await handOver(server, 3);
  await actionIs(server, orderIds, ActionState.PARKED);
  const filter = { errorContains: "NUMBER BLOCKED" };
  const { entries } = await server.actions.listParked({ action: ACTION, filter });
  expect(entries.map((entry) => entry.orderId).toSorted((a, b) => Number(a - b))).toEqual(orderIds);
  expect((await server.actions.retryParked({ action: ACTION, filter, validateOnly: true })).retriedCount).toBe(3n);
  await harness.stubSystems.reset();

  // Two operators at the same time.
  const answers = await Promise.all(
    ["ops-1", "ops-2"].map((who) => server.actions.retryParked({ action: ACTION, filter, operator: who })),
  );
  expect(answers.reduce((sum, { retriedCount }) => sum + retriedCount, 0n)).toBe(3n);

  await actionIs(server, orderIds, ActionState.DONE);
  for (const orderId of orderIds) {
    expect(await countMessages(orderId)).toBe(1);
  }
  expect((await server.actions.listParked({ action: ACTION, filter })).entries).toEqual([]);
});

test("a retried event gets a new round of attempts before it is parked again", async () => {
  const server = await harness.start({ OMS_MAX_ATTEMPTS: "3" });
  await harness.stubSystems.control({ system: "message", mode: "fail" });
  const [orderId] = (await handOver(server, 1)) as [bigint];
  await actionIs(server, [orderId], ActionState.PARKED);

  await server.actions.retryParked({ action: ACTION, messageIds: [messageId(orderId)], operator });
  await eventually(async () => {
    const { entries } = await server.actions.getOrderActions({ orderId });
    expect(entries.find(({ action }) => action === ACTION)).toMatchObject({ state: ActionState.PARKED, attempts: 6 });
  });
});

test("a discarded event has no effect until it is replayed", async () => {
  const server = await harness.start();
  await harness.stubSystems.control({ system: "message", mode: "refuse" });
  const [orderId] = (await handOver(server, 1)) as [bigint];
  await actionIs(server, [orderId], ActionState.PARKED);
  await harness.stubSystems.reset();

  const request = { action: ACTION, messageIds: [messageId(orderId)], operator, reason: "informed by phone" };
  expect((await server.actions.discardParked(request)).discardedCount).toBe(1n);
  expect((await server.actions.retryParked({ action: ACTION, messageIds: [messageId(orderId)] })).retriedCount).toBe(
    0n,
  );
  expect(await countMessages(orderId)).toBe(0);

  expect((await server.actions.replay({ action: ACTION, orderIds: [orderId], operator })).replayedCount).toBe(1n);
  await actionIs(server, [orderId], ActionState.DONE);
  expect(await countMessages(orderId)).toBe(1);
  const { entries } = await server.actions.getOrderActions({ orderId });
  expect(entries.find(({ action }) => action === ACTION)?.intervention).toMatchObject({
    kind: InterventionKind.REPLAY,
    selection: `the events of orders ${orderId}`,
    operator,
  });
});

test("a new Action gets the events of existing orders from the history, each once", async () => {
  const server = await harness.start();
  const orderIds = await handOver(server, 3);
  await actionIs(server, orderIds, ActionState.DONE);
  // As if it had been added later: no entries, no messages, and the broker had the events long ago.
  await harness.db.deleteFrom("oms_db.oms_action_ledger").where("action", "=", ACTION).execute();
  await harness.db
    .updateTable("oms_db.oms_status_history")
    .set({ record_time: new Date(Date.now() - 3_600_000) })
    .execute();
  await harness.stubSystems.reset();
  const period = {
    fromTime: { seconds: BigInt(Math.floor(Date.now() / 1_000) - 7_200), nanos: 0 },
    toTime: { seconds: BigInt(Math.floor(Date.now() / 1_000) - 1_800), nanos: 0 },
  };

  const dry = await server.actions.replay({ action: ACTION, ...period, operator, validateOnly: true });
  const { replayedCount } = await server.actions.replay({ action: ACTION, ...period, operator });
  expect([dry.replayedCount, dry.nextPageToken]).toEqual([replayedCount, ""]);
  expect(replayedCount).toBeGreaterThanOrEqual(3n);

  await actionIs(server, orderIds, ActionState.DONE);
  expect((await server.actions.replay({ action: ACTION, ...period, operator })).replayedCount).toBe(0n);
  // The event was for this Action alone, and is deleted when it ends.
  await eventually(async () => {
    const kept = await harness.db.selectFrom("oms_db.oms_outbox").select("id").where("published", "=", 1).execute();
    expect(kept).toEqual([]);
  });
});
