import { expect, test } from "vitest";
import { FlowState } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { CancelVerdict, OrderStatus, ReturnVerdict } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { CancelState } from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import type { Clients } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { flowIs, pay, reachesStatus, submit, useFlows } from "./harness.ts";

const harness = useFlows();
const cancelFields = { reason: "changed his mind", operator: "li" };

function cancelIs({ reversal }: Clients, orderId: bigint, state: CancelState): Promise<void> {
  return eventually(async () => {
    expect((await reversal.getCancel({ orderId })).state).toBe(state);
  });
}

/** Waits for the states of an Action's entries for an order, by event. */
function actionIs(orderId: bigint, action: string, ...states: readonly string[]): Promise<void> {
  return eventually(async () => {
    const rows = await harness.db
      .selectFrom("oms_db.oms_action_ledger")
      .select("state")
      .where("order_id", "=", orderId)
      .where("action", "=", action)
      .orderBy("id")
      .execute();
    expect(rows.map(({ state }) => state)).toEqual(states);
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
  expect(await server.reversal.reportWmsAnswer({ orderId: first, agreed: true, ...answer })).toMatchObject({
    state: CancelState.CANCELLED,
  });
  // Of two answers the first counts, and the second one is kept for people.
  await expect(server.reversal.reportWmsAnswer({ orderId: first, agreed: false, ...answer })).rejects.toMatchObject({
    message: expect.stringContaining("the order is already cancelled"),
  });
  await actionIs(first, "wms-answer-conflict", "PARKED");
  await reachesStatus(server, first, OrderStatus.CANCELLED);
});

test("the WMS answers later, and not in time: the cancel is refused, even if the server was down", async () => {
  const first = await harness.start({ OMS_WMS_CANCEL_TIMEOUT_MS: "1500" });
  const orderId = await dispatched(first);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "later" });
  await first.reversal.requestCancel({ orderId, ...cancelFields });
  await actionIs(orderId, "cancel-ask-wms", "DONE");
  await first.stop();
  const second = await harness.start();
  await cancelIs(second, orderId, CancelState.REFUSED);
  expect(await second.reversal.getCancel({ orderId })).toMatchObject({
    refusalReason: "the WMS did not answer in time",
  });
  expect(await second.client.getOrderStatus({ orderId })).toMatchObject({ paused: false });
});

test("the WMS's answer is lost: the cancel stays open beyond its time limit, until the WMS answers", async () => {
  const server = await harness.start({ OMS_WMS_CANCEL_TIMEOUT_MS: "3000" });
  const orderId = await dispatched(server);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "lose" });
  await server.reversal.requestCancel({ orderId, ...cancelFields });
  await actionIs(orderId, "cancel-time-limit", "RETRYING");
  expect((await server.reversal.getCancel({ orderId })).state).toBe(CancelState.WAITING_FOR_WMS);
  expect(await server.client.getOrderStatus({ orderId })).toMatchObject({ paused: true });
  const { summary } = await server.client.explainOrder({ orderId });
  expect(summary).toContain("is over, and the WMS may have carried the cancel out");
  expect(summary).toContain("waits for cancel-ask-wms: the WMS may have carried out the cancel");

  await harness.stubSystems.control({ system: "wms/cancel", mode: "ok" });
  await cancelIs(server, orderId, CancelState.CANCELLED);
  await reachesStatus(server, orderId, OrderStatus.CANCELLED);
  const { received } = await harness.stubSystems.received({ system: "wms/cancel", orderId: String(orderId) });
  expect(received).toMatchObject([{ done: true }]);
  await actionIs(orderId, "cancel-time-limit", "DONE");
  await eventually(expectStockBalances);
});

test("the WMS's answer is lost, and a person decides: the order continues", async () => {
  const server = await harness.start({ OMS_WMS_CANCEL_TIMEOUT_MS: "3000" });
  const orderId = await dispatched(server);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "hang" });
  await server.reversal.requestCancel({ orderId, ...cancelFields });
  await actionIs(orderId, "cancel-time-limit", "RETRYING");
  const answer = { orderId, agreed: false, reason: "still on the shelf", operator: "zhou" };
  expect(await server.reversal.reportWmsAnswer(answer)).toMatchObject({ state: CancelState.REFUSED });
  expect(await server.client.getOrderStatus({ orderId })).toMatchObject({ paused: false });
  await actionIs(orderId, "cancel-time-limit", "DONE");
});

test("agreed after the time limit: the order is cancelled while that is possible", async () => {
  const server = await harness.start({ OMS_WMS_CANCEL_TIMEOUT_MS: "3000" });
  const orderId = await dispatched(server);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "later" });
  await server.reversal.requestCancel({ orderId, ...cancelFields });
  await cancelIs(server, orderId, CancelState.REFUSED);
  expect(await server.reversal.reportWmsAnswer({ orderId, agreed: true, operator: "wms" })).toMatchObject({
    state: CancelState.CANCELLED,
  });
  await reachesStatus(server, orderId, OrderStatus.CANCELLED);
  expect(await server.reversal.getCancel({ orderId })).toMatchObject({
    state: CancelState.CANCELLED,
    refusalReason: "",
  });
});

test("agreed after the order was handed over: a conflict, which is parked for people", async () => {
  const server = await harness.start();
  const orderId = await dispatched(server);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "refuse", reason: "packed" });
  await server.reversal.requestCancel({ orderId, ...cancelFields });
  await cancelIs(server, orderId, CancelState.REFUSED);
  await server.client.updateOrderStatus({ orderId, status: OrderStatus.HANDED_OVER, operator: "wms" });

  const late = { orderId, agreed: true, operator: "wms" };
  for (const requestId of ["", "", "late-1", "late-1"]) {
    await expect(server.reversal.reportWmsAnswer({ ...late, requestId })).rejects.toMatchObject({
      message: expect.stringContaining("the order can no longer be cancelled"),
    });
  }

  await actionIs(orderId, "wms-answer-conflict", "PARKED");
  const { entries } = await server.actions.listParked({ action: "wms-answer-conflict" });
  expect(entries.filter((entry) => entry.orderId === orderId)).toMatchObject([
    { lastError: expect.stringContaining("the WMS agreed to the cancel, but") },
  ]);
  expect((await server.client.explainOrder({ orderId })).summary).toContain("the WMS agreed to the cancel, but");
  expect(await server.reversal.getCancel({ orderId })).toMatchObject({ refusalReason: "packed" });
});

/** An order that the WMS received, but whose dispatch has no answer, and is repeated after 5 s. */
async function inDispatch(server: Clients): Promise<bigint> {
  await harness.stubSystems.control({ system: "wms/dispatch", mode: "lose", times: 1 });
  const orderId = await submit(server);
  await pay(server, orderId);
  await flowIs(server, orderId, { step: "dispatch", state: FlowState.RETRYING });
  return orderId;
}
const SLOW_RETRIES = { OMS_RETRY_BASE_MS: "5000", OMS_RETRY_CAP_MS: "5000" };

test("cancelled while its dispatch is repeated and a cancel is open: neither waits for the other", async () => {
  const server = await harness.start(SLOW_RETRIES);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "later" });
  const orderId = await inDispatch(server);
  const { cancelId } = await server.reversal.requestCancel({ orderId, ...cancelFields });
  await actionIs(orderId, "cancel-ask-wms", "RETRYING");
  await server.client.cancelOrder({ orderId, ...cancelFields });

  // The open cancel is fulfilled; another request asks for the goods back.
  await actionIs(orderId, "dispatch", "DONE");
  await actionIs(orderId, "cancel-ask-wms", "DONE", "DONE");
  const takeBack = await server.reversal.getCancel({ orderId });
  expect(takeBack).toMatchObject({
    state: CancelState.WAITING_FOR_WMS,
    verdict: CancelVerdict.ALREADY_CANCELLED,
  });
  expect(takeBack.cancelId).toBeGreaterThan(cancelId);
  expect(await server.reversal.requestCancel({ orderId, ...cancelFields })).toMatchObject({
    state: CancelState.CANCELLED,
  });
  const { received } = await harness.stubSystems.received({ system: "wms/cancel", orderId: String(orderId) });
  expect(received).toMatchObject([{ body: { cancelId: String(takeBack.cancelId) } }]);

  await server.reversal.reportWmsAnswer({ orderId, agreed: true, operator: "wms" });
  await cancelIs(server, orderId, CancelState.CANCELLED);
  // For the cancelled order, and after the return of its goods.
  await actionIs(orderId, "release-stock", "DONE", "DONE");
});

test("the WMS reports its agreement while the dispatch is repeated: it is asked for the goods back", async () => {
  const server = await harness.start(SLOW_RETRIES);
  const orderId = await inDispatch(server);
  await server.reversal.requestCancel({ orderId, ...cancelFields });
  await actionIs(orderId, "cancel-ask-wms", "RETRYING");
  const { state } = await server.reversal.reportWmsAnswer({ orderId, agreed: true, operator: "wms" });
  expect(state).toBe(CancelState.CANCELLED);
  await actionIs(orderId, "dispatch", "DONE");
  await eventually(async () => {
    expect(await harness.stubSystems.stock()).toMatchObject({ dispatched: 2, takenBack: 2, released: 2, held: 0 });
  });
  await actionIs(orderId, "cancel-ask-wms", "DONE", "DONE");
});

test("the WMS keeps a cancelled order that it received: parked for people", async () => {
  const server = await harness.start(SLOW_RETRIES);
  await harness.stubSystems.control({ system: "wms/cancel", mode: "refuse", reason: "packed" });
  const orderId = await inDispatch(server);
  // By the legacy endpoint of CancelOrder.
  const url = `http://127.0.0.1:${server.service.httpPort}/services/orderStatus/statuOrderStatus?orderId=${orderId}`;
  expect(await (await fetch(url, { method: "POST" })).json()).toMatchObject({ result: 1 });
  await cancelIs(server, orderId, CancelState.REFUSED);
  await actionIs(orderId, "wms-answer-conflict", "PARKED");
  const { entries } = await server.actions.listParked({ action: "wms-answer-conflict" });
  expect(entries.filter((entry) => entry.orderId === orderId)).toMatchObject([
    { lastError: "the order is cancelled, and the WMS keeps it: packed" },
  ]);
  expect(await server.client.getOrderStatus({ orderId })).toMatchObject({ orderStatus: OrderStatus.CANCELLED });

  // Another request for the cancelled order does not hide the one that the WMS answers.
  const { state } = await server.reversal.requestCancel({ orderId, ...cancelFields });
  expect(state).toBe(CancelState.CANCELLED);
  await server.reversal.reportWmsAnswer({ orderId, agreed: true, operator: "wms" });
  await actionIs(orderId, "release-stock", "DONE", "DONE");
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
