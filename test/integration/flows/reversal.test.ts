import { expect, test } from "vitest";
import { FlowState } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { CancelVerdict, OrderStatus, ReturnVerdict } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { CancelState } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import type { Clients } from "../../support/clients.ts";
import { eventually, flowIs, pay, reachesStatus, submit, useFlows } from "./harness.ts";

const harness = useFlows();
const cancelFields = { reason: "changed his mind", operator: "li" };

function cancelIs({ reversal }: Clients, orderId: bigint, state: CancelState): Promise<void> {
  return eventually(async () => {
    expect((await reversal.getCancel({ orderId })).state).toBe(state);
  });
}

async function dispatched(server: Clients): Promise<bigint> {
  const orderId = await submit(server);
  await pay(server, orderId);
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
  return orderId;
}

/** Expects versions without a gap, and at most one cancellation. */
async function expectLegal({ client }: Clients, orderId: bigint): Promise<void> {
  const { entries } = await client.listStatusHistory({ orderId, pageSize: 100 });
  const changes = entries.filter(({ fromStatus, toStatus }) => fromStatus !== toStatus);
  expect(changes.map(({ version }) => Number(version))).toEqual(changes.map((_, index) => index + 1));
  expect(changes.filter(({ toStatus }) => toStatus === OrderStatus.CANCELLED).length).toBeLessThanOrEqual(1);
}

async function expectStockBalances(): Promise<void> {
  const { allocated, released, dispatched, takenBack, held } = await harness.stubSystems.stock();
  expect({ allocated, held }).toEqual({ allocated: dispatched - takenBack + released, held: 0 });
}

test("the WMS agrees: the order is cancelled, and its stock released", async () => {
  const server = await harness.start();
  const orderId = await dispatched(server);
  const { cancelId, state } = await server.reversal.requestCancel({ orderId, ...cancelFields });
  expect(state).toBe(CancelState.WAITING_FOR_WMS);
  await cancelIs(server, orderId, CancelState.CANCELLED);
  await reachesStatus(server, orderId, OrderStatus.CANCELLED);
  expect(await server.reversal.getCancel({ orderId })).toMatchObject({
    cancelId,
    currentProcess: 100,
    processFlag: 60,
    verdict: CancelVerdict.ASK_WMS,
    finishTime: expect.anything(),
  });
  await eventually(expectStockBalances);
  const { received } = await harness.stubSystems.received({ system: "wms/cancel", orderId: String(orderId) });
  expect(received).toMatchObject([{ arrivals: 1, body: { orderId: String(orderId), cancelId: String(cancelId) } }]);
});

test("an order cancelled after a lost dispatch answer is taken back from the WMS, and its stock released", async () => {
  const server = await harness.start({ OMS_RETRY_BASE_MS: "1500", OMS_RETRY_CAP_MS: "1500" });
  await harness.stubSystems.control({ system: "wms/dispatch", mode: "lose", times: 1 });
  const orderId = await submit(server);
  await pay(server, orderId);
  await flowIs(server, orderId, { step: "dispatch", state: FlowState.RETRYING });
  await server.client.cancelOrder({ orderId, ...cancelFields });
  await eventually(async () => {
    expect(await harness.stubSystems.stock()).toMatchObject({ dispatched: 2, takenBack: 2, released: 2, held: 0 });
  });
});

test("the WMS refuses: the order continues, with the WMS's reason", async () => {
  const server = await harness.start();
  const orderId = await dispatched(server);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "refuse", reason: "packed" });
  await server.reversal.requestCancel({ orderId, ...cancelFields });
  await cancelIs(server, orderId, CancelState.REFUSED);
  expect(await server.reversal.getCancel({ orderId })).toMatchObject({ refusalReason: "packed" });
  expect(await server.client.getOrderStatus({ orderId })).toMatchObject({
    orderStatus: OrderStatus.WMS_DISPATCHED,
    paused: false,
  });
});

test("the WMS answers later", async () => {
  const server = await harness.start();
  const [first, second] = [await dispatched(server), await dispatched(server)];
  await harness.stubSystems.control({ system: "wms/cancel", mode: "later" });
  for (const orderId of [first, second]) {
    await server.reversal.requestCancel({ orderId, ...cancelFields });
    await eventually(async () => {
      const { received } = await harness.stubSystems.received({ system: "wms/cancel", orderId: String(orderId) });
      expect(received).toHaveLength(1);
    });
  }
  expect((await server.client.explainOrder({ orderId: first })).summary).toContain(
    "for the WMS to answer whether it can be cancelled",
  );
  const answer = { reason: "", operator: "wms" };
  const answers = await Promise.all([
    server.reversal.reportWmsAnswer({ orderId: first, agreed: true, ...answer }),
    server.reversal.reportWmsAnswer({ orderId: second, agreed: false, ...answer }),
  ]);
  expect(answers.map(({ state }) => state)).toEqual([CancelState.CANCELLED, CancelState.REFUSED]);
  // Of two answers the first counts.
  expect(await server.reversal.reportWmsAnswer({ orderId: first, agreed: false, ...answer })).toMatchObject({
    state: CancelState.CANCELLED,
  });
  await reachesStatus(server, first, OrderStatus.CANCELLED);
});

test("the WMS never answers: the cancel is refused after its time limit, even if the server was down", async () => {
  const first = await harness.start({ OMS_WMS_CANCEL_TIMEOUT_MS: "800" });
  const orderId = await dispatched(first);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "hang" });
  await first.reversal.requestCancel({ orderId, ...cancelFields });
  await first.stop();
  const second = await harness.start();
  await cancelIs(second, orderId, CancelState.REFUSED);
  expect(await second.reversal.getCancel({ orderId })).toMatchObject({
    refusalReason: "the WMS did not answer in time",
  });
  expect(await second.client.getOrderStatus({ orderId })).toMatchObject({ paused: false });
});

test("after a cancel that the WMS refused before the dispatch, the flow continues", async () => {
  const server = await harness.start();
  const orderId = await submit(server);
  await harness.stubSystems.control({ system: "wms/dispatch", mode: "refuse", reason: "closed", times: 1 });
  await harness.stubSystems.control({ system: "wms/cancel", mode: "refuse", reason: "no" });
  await pay(server, orderId);
  await flowIs(server, orderId, { step: "dispatch", state: FlowState.FAILED });
  await server.reversal.requestCancel({ orderId, ...cancelFields });
  await cancelIs(server, orderId, CancelState.REFUSED);
  // The resume starts the step again.
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
});

test("cancels during the whole forward flow, on two servers: every order is cancelled, and the stock balances", async () => {
  const [one, other] = [await harness.start(), await harness.start()];
  const ids = await Promise.all(Array.from({ length: 60 }, () => submit(one)));
  await Promise.all(
    ids.map(async (orderId, index) => {
      await pay(index % 2 === 0 ? one : other, orderId);
      await new Promise((resolve) => setTimeout(resolve, (index % 20) * 8));
      await (index % 3 === 0 ? one : other).reversal.requestCancel({ orderId, ...cancelFields });
    }),
  );
  for (const orderId of ids) {
    await cancelIs(one, orderId, CancelState.CANCELLED);
    await reachesStatus(one, orderId, OrderStatus.CANCELLED);
    await expectLegal(one, orderId);
  }
  await eventually(async () => {
    await expectStockBalances();
    // All are cancelled: the WMS keeps none.
    const { dispatched, takenBack } = await harness.stubSystems.stock();
    expect(takenBack).toBe(dispatched);
  });
});

test("two cancels and a payment at once, on two servers: one cancel each, and the payment before it or not at all", async () => {
  const [one, other] = [await harness.start(), await harness.start()];
  const ids = await Promise.all(Array.from({ length: 40 }, () => submit(one)));
  await Promise.all(
    ids.map(async (orderId) => {
      const [first, second] = await Promise.all([
        one.reversal.requestCancel({ orderId, ...cancelFields }),
        other.reversal.requestCancel({ orderId, ...cancelFields }),
        pay(other, orderId).catch(() => {}),
      ]);
      expect([first.state, second.state].every((state) => state !== CancelState.REFUSED)).toBe(true);
    }),
  );
  for (const orderId of ids) {
    await reachesStatus(one, orderId, OrderStatus.CANCELLED);
    await expectLegal(one, orderId);
  }
});

test("a parent's children are cancelled one by one, and the answer lists each", async () => {
  const server = await harness.start();
  const orderId = await submit(server, { warehouses: [1n, 2n, 3n] });
  await pay(server, orderId);
  await reachesStatus(server, orderId, OrderStatus.SPLIT);
  const { childOrderIds } = await server.fulfilment.getOrderFlow({ orderId });
  const [shipped = 0n, ...others] = childOrderIds;
  for (const child of childOrderIds) {
    await reachesStatus(server, child, OrderStatus.WMS_DISPATCHED);
  }
  await server.client.updateOrderStatus({ orderId: shipped, status: OrderStatus.HANDED_OVER, operator: "wms" });

  const answer = await server.reversal.requestCancel({ orderId, ...cancelFields });
  expect(answer).toMatchObject({ state: CancelState.REFUSED, refusalReason: expect.stringContaining("不能取消") });
  expect(answer.children.map((child) => [child.orderId, child.state])).toEqual([
    [shipped, CancelState.REFUSED],
    ...others.map((child) => [child, CancelState.WAITING_FOR_WMS]),
  ]);
  for (const child of others) {
    await reachesStatus(server, child, OrderStatus.CANCELLED);
  }
  expect(await server.client.getOrderStatus({ orderId })).toMatchObject({ paused: false });
});

test("concurrent returns on two servers never take back more than was shipped", async () => {
  const [one, other] = [await harness.start(), await harness.start()];
  const orderId = await dispatched(one);
  await one.client.updateOrderStatus({ orderId, status: OrderStatus.DELIVERED, operator: "tms" });
  const request = { orderId, lines: [{ skuId: 100n, quantity: 1 }], ...cancelFields };
  const answers = await Promise.allSettled(
    Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? one : other).reversal.requestReturn(request)),
  );
  const taken = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  expect(taken.map(({ verdict }) => verdict)).toEqual([ReturnVerdict.MARKED, ReturnVerdict.MARKED]);
  const { details } = await one.reversal.listReturnDetails({ orderIds: [orderId] });
  expect(details.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(2);
  const { returnIds } = await other.client.getOrderStatus({ orderId });
  expect(returnIds).toEqual(taken.map(({ returnId }) => returnId).toSorted((a, b) => Number(a - b)));
});
