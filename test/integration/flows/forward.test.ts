import { expect, test } from "vitest";
import { FlowState } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { eventually } from "../../support/eventually.ts";
import { failure } from "../../support/failures.ts";
import { flowIs, pay, reachesStatus, submit, useFlows } from "./harness.ts";

const harness = useFlows();

/** The requests that a system carried out for an order, with their repeats. */
async function carriedOut(system: string, orderId: bigint) {
  const { received } = await harness.stubSystems.received({ system, orderId: String(orderId) });
  return received.filter(({ done }) => done);
}

test("a paid order is approved, allocated and dispatched, once each", async () => {
  const server = await harness.start();
  const orderId = await submit(server);
  await flowIs(server, orderId, { step: "payment", state: FlowState.WAITING });
  await pay(server, orderId);
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
  await flowIs(server, orderId, { step: "", state: FlowState.DONE });

  const { entries } = await server.client.listStatusHistory({ orderId });
  expect(entries.map(({ version, toStatus, caller }) => [Number(version), toStatus, caller])).toEqual([
    [1, OrderStatus.CREATED, "anonymous"],
    [2, OrderStatus.PAID, "anonymous"],
    [3, OrderStatus.APPROVED, "forward-flow"],
    [4, OrderStatus.ERP_ALLOCATED, "forward-flow"],
    [5, OrderStatus.WMS_DISPATCHED, "forward-flow"],
  ]);
  expect(await carriedOut("erp/allocate", orderId)).toMatchObject([
    { key: `${orderId}-3`, body: { orderId: String(orderId), lines: [{ skuId: "100", quantity: 2 }] } },
  ]);
  expect(await carriedOut("wms/dispatch", orderId)).toMatchObject([
    {
      key: `${orderId}-4`,
      body: { orderId: String(orderId), warehouseId: "1", lines: [{ skuId: "100", quantity: 2 }] },
    },
  ]);
});

test("an order with goods in three warehouses is split once; its children are dispatched with all of its goods", async () => {
  const server = await harness.start();
  const orderId = await submit(server, { warehouses: [3n, 1n, 2n, 1n] });
  await pay(server, orderId);
  await reachesStatus(server, orderId, OrderStatus.SPLIT);
  const { childOrderIds, state } = await server.fulfilment.getOrderFlow({ orderId });
  expect(childOrderIds).toHaveLength(3);
  expect(state).toBe(FlowState.DONE);
  for (const child of childOrderIds) {
    await reachesStatus(server, child, OrderStatus.WMS_DISPATCHED);
  }
  const bodies = await Promise.all(childOrderIds.map((child) => carriedOut("wms/dispatch", child)));
  const dispatched = bodies.flat().map(({ body }) => body as { warehouseId: string; lines: object[] });
  expect(dispatched.toSorted((a, b) => Number(a.warehouseId) - Number(b.warehouseId))).toMatchObject([
    {
      warehouseId: "1",
      lines: [
        { skuId: "101", quantity: 3 },
        { skuId: "103", quantity: 5 },
      ],
    },
    { warehouseId: "2", lines: [{ skuId: "102", quantity: 4 }] },
    { warehouseId: "3", lines: [{ skuId: "100", quantity: 2 }] },
  ]);
  expect(await server.client.getMaxSubOrderStatus({ rootOrderId: orderId })).toMatchObject({
    orderStatus: OrderStatus.WMS_DISPATCHED,
  });
});

test("without stock the order waits with the ERP's reason, and continues when an operator retries it", async () => {
  const server = await harness.start({ OMS_RETRY_BASE_MS: "600000", OMS_RETRY_CAP_MS: "600000" });
  const orderId = await submit(server);
  await harness.stubSystems.control({ system: "erp/allocate", mode: "refuse", reason: "sold out", times: 1 });
  await pay(server, orderId);
  await flowIs(server, orderId, {
    step: "allocate",
    state: FlowState.RETRYING,
    attempts: 1,
    lastError: "no stock: sold out",
    nextRunTime: expect.anything(),
  });
  const { flows } = await server.fulfilment.listOrderFlows({ state: FlowState.RETRYING, step: "allocate" });
  expect(flows.map((flow) => flow.orderId)).toContain(orderId);
  const explained = await server.client.explainOrder({ orderId });
  expect(explained.flow).toMatchObject({ step: "allocate", state: "RETRYING", lastError: "no stock: sold out" });
  expect(explained.summary).toContain("no stock: sold out");

  await server.fulfilment.retryOrderFlow({ orderId, operator: "li" });
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
});

test("an order that the WMS refuses is parked with the WMS's reason, until an operator retries it", async () => {
  const server = await harness.start();
  const orderId = await submit(server);
  await harness.stubSystems.control({ system: "wms/dispatch", mode: "refuse", reason: "address unknown", times: 1 });
  await pay(server, orderId);
  await flowIs(server, orderId, { step: "dispatch", state: FlowState.FAILED, attempts: 1 });
  expect((await server.fulfilment.getOrderFlow({ orderId })).lastError).toContain("address unknown");

  expect(await server.fulfilment.retryOrderFlow({ orderId, operator: "li" })).toMatchObject({
    state: FlowState.RETRYING,
  });
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
});

test("a pause stops the flow before its next step; a resume continues from there, with nothing done twice", async () => {
  const server = await harness.start();
  const orderId = await submit(server);
  const pause = (paused: boolean) => server.client.setOrderPause({ orderId, paused, operator: "li" });
  await pause(true);
  await pay(server, orderId);
  await flowIs(server, orderId, { step: "approve", state: FlowState.PAUSED });

  // Paused during the allocation: it ends, and the dispatch does not start.
  await harness.stubSystems.control({ system: "erp/allocate", mode: "slow", delayMs: 3_000, times: 1 });
  await pause(false);
  await eventually(async () => {
    expect(await server.fulfilment.getOrderFlow({ orderId })).toMatchObject({ step: "allocate", attempts: 1 });
  });
  await pause(true);
  await flowIs(server, orderId, { step: "dispatch", state: FlowState.PAUSED });
  expect(await carriedOut("wms/dispatch", orderId)).toEqual([]);

  await pause(false);
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
  expect(await carriedOut("erp/allocate", orderId)).toMatchObject([{ repeats: 0 }]);
  expect(await carriedOut("wms/dispatch", orderId)).toMatchObject([{ repeats: 0 }]);
});

test("a paused order without stock is not allocated when the stock is back, but when it is resumed", async () => {
  const server = await harness.start();
  const orderId = await submit(server);
  await harness.stubSystems.control({ system: "erp/allocate", mode: "refuse" });
  await pay(server, orderId);
  await flowIs(server, orderId, { step: "allocate", state: FlowState.RETRYING });
  await server.client.setOrderPause({ orderId, paused: true, operator: "li" });
  await flowIs(server, orderId, { step: "allocate", state: FlowState.PAUSED });
  await harness.stubSystems.control({ system: "erp/allocate", mode: "ok" });
  await server.client.setOrderPause({ orderId, paused: false, operator: "li" });
  await reachesStatus(server, orderId, OrderStatus.WMS_DISPATCHED);
  expect(await carriedOut("erp/allocate", orderId)).toHaveLength(1);
});

test("an unpaid order is cancelled after its time limit, even if the server was down", async () => {
  const first = await harness.start({ OMS_PAYMENT_TIMEOUT_MS: "3000" });
  const orderId = await submit(first);
  const unlimited = await submit(first, { orderSource: 1025 });
  expect((await first.fulfilment.getOrderFlow({ orderId })).summary).toContain("waits for its payment until");
  await first.stop();

  const second = await harness.start({ OMS_PAYMENT_TIMEOUT_MS: "3000" });
  await reachesStatus(second, orderId, OrderStatus.CANCELLED);
  const { entries } = await second.client.listStatusHistory({ orderId });
  expect(entries.at(-1)).toMatchObject({ remark: "not paid in time", operator: "payment-timeout" });
  const paid = second.client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "pay" });
  expect((await failure(paid)).code).toBe("FailedPrecondition");
  expect(await second.client.getOrderStatus({ orderId: unlimited })).toMatchObject({
    orderStatus: OrderStatus.CREATED,
  });
});

test("a payment that races with the time limit ends in one of the two states", async () => {
  const server = await harness.start({ OMS_PAYMENT_TIMEOUT_MS: "700" });
  const ids = await Promise.all(Array.from({ length: 60 }, () => submit(server)));
  await new Promise((resolve) => setTimeout(resolve, 600));
  const paid = new Map<bigint, boolean>();
  await Promise.all(
    ids.map(async (orderId, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 6));
      const answer = await pay(server, orderId).then(
        () => true,
        () => false,
      );
      paid.set(orderId, answer);
    }),
  );
  for (const orderId of ids) {
    await reachesStatus(server, orderId, paid.get(orderId) ? OrderStatus.WMS_DISPATCHED : OrderStatus.CANCELLED);
  }
});
