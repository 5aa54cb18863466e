import { describe, expect, test } from "vitest";
import { FlowState } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { Clients } from "../../support/clients.ts";
import { failure } from "../../support/failures.ts";
import { eventsOf, insertOrder, nextOrderId, stateOf } from "../../support/orders.ts";
import type { ContractApi } from "./api.ts";

/** FulfilmentService. No step runs: the tests set the state of ledger entries. */
export function fulfilmentTests(api: ContractApi & Pick<Clients, "fulfilment">): void {
  const lines = [line(7n, 2, 1n)];
  const operator = "li";

  async function submit(more: Parameters<Clients["fulfilment"]["submitOrder"]>[0] = {}): Promise<bigint> {
    const request = { orderSource: 1000, orderType: 1, lines, operator, ...more };
    return (await api.fulfilment.submitOrder(request)).orderId;
  }

  const pay = (orderId: bigint) => api.client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator });

  /** Sets the ledger entry of an order's step. */
  function setStep(orderId: bigint, step: string, state: "RETRYING" | "PARKED", lastError: string) {
    return api.db
      .updateTable("oms_db.oms_action_ledger")
      .set({
        state,
        attempts_started: 2,
        attempts_finished: 2,
        last_error: lastError,
        next_attempt_time: state === "PARKED" ? null : new Date(Date.now() + 3_600_000),
      })
      .where("order_id", "=", orderId)
      .where("action", "=", step)
      .executeTakeFirstOrThrow();
  }

  describe("SubmitOrder", () => {
    test("creates an order that waits for payment", async () => {
      const orderId = await submit();

      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: 1000, version: 1, is_payed: 0 });
      expect(await eventsOf(api.db, orderId)).toEqual([`oms.v1.order.status.1000 ${orderId}-1`]);
      const flow = await api.fulfilment.getOrderFlow({ orderId });
      expect([flow.step, flow.state, flow.childOrderIds]).toEqual(["payment", FlowState.WAITING, []]);
      expect(flow.nextRunTime).toBeDefined();
      expect(flow.summary).toContain("waits for its payment until ");
    });

    test("a repeated request_id returns the first order; with other content ALREADY_EXISTS", async () => {
      const requestId = `submit-${nextOrderId()}`;
      const orderId = await submit({ requestId });

      expect(await submit({ requestId })).toBe(orderId);
      expect(await failure(submit({ requestId, orderSource: 1025 }))).toMatchObject({
        code: "AlreadyExists",
        details: { ErrorInfo: { reason: "REQUEST_ID_REUSED" } },
      });
    });

    test("an existing order id is ALREADY_EXISTS", async () => {
      const orderId = await insertOrder(api.db, 1000);

      expect(await failure(submit({ orderId }))).toMatchObject({
        code: "AlreadyExists",
        details: { ErrorInfo: { reason: "ORDER_EXISTS", metadata: { order_id: String(orderId) } } },
      });
    });

    test.each([
      ["no lines", { lines: [] }, "lines"],
      ["no warehouse for goods that are shipped", { lines: [line(7n, 1, 0n)] }, "lines[0].warehouse_id"],
      ["no account for a recharge", { orderType: 31, lines: [line(7n, 1, 0n)] }, "recharge_account"],
      ["the type of cancelled orders", { orderType: 100 }, "order_type"],
    ])("%s is INVALID_ARGUMENT", async (_name, more, field) => {
      expect(await failure(submit(more))).toMatchObject({
        code: "InvalidArgument",
        details: { BadRequest: { fieldViolations: [{ field }] } },
      });
    });

    test("virtual goods need neither warehouse nor flow", async () => {
      const orderId = await submit({ orderType: 31, rechargeAccount: "13800000000", lines: [line(7n, 1, 0n)] });
      await pay(orderId);

      const { step, state } = await api.fulfilment.getOrderFlow({ orderId });
      expect([step, state]).toEqual(["", FlowState.DONE]);
    });
  });

  describe("GetOrderFlow", () => {
    test("a paid order is at its first step; a pause stops it there", async () => {
      const orderId = await submit();
      await pay(orderId);
      const before = await api.fulfilment.getOrderFlow({ orderId });
      await api.client.setOrderPause({ orderId, paused: true, operator });
      const after = await api.fulfilment.getOrderFlow({ orderId });

      expect([before.step, before.state]).toEqual(["approve", FlowState.RUNNING]);
      expect([after.step, after.state]).toEqual(["approve", FlowState.PAUSED]);
    });

    test("an order outside the flow is NOT_FOUND", async () => {
      const orderId = await insertOrder(api.db, 1010);

      expect((await failure(api.fulfilment.getOrderFlow({ orderId }))).code).toBe("NotFound");
      expect((await failure(api.fulfilment.retryOrderFlow({ orderId, operator }))).code).toBe("NotFound");
    });
  });

  test("ListOrderFlows: pages, newest order id first, filtered by state and step", async () => {
    const waiting = [await submit(), await submit(), await submit()].toReversed();
    const paid = await submit();
    await pay(paid);

    const first = await api.fulfilment.listOrderFlows({ step: "payment", pageSize: 2 });
    const second = await api.fulfilment.listOrderFlows({
      state: FlowState.WAITING,
      pageSize: 1,
      pageToken: first.nextPageToken,
    });
    expect([...first.flows, ...second.flows].map(({ orderId }) => orderId)).toEqual(waiting);
    const running = await api.fulfilment.listOrderFlows({ state: FlowState.RUNNING, step: "approve", pageSize: 1 });
    expect(running.flows.map(({ orderId }) => orderId)).toEqual([paid]);
    expect((await failure(api.fulfilment.listOrderFlows({ pageToken: "x" }))).code).toBe("InvalidArgument");
  });

  describe("RetryOrderFlow", () => {
    test.each([
      ["RETRYING", FlowState.RETRYING],
      ["PARKED", FlowState.FAILED],
    ] as const)("a %s step is due now", async (state, before) => {
      const orderId = await submit();
      await pay(orderId);
      await setStep(orderId, "approve", state, "no answer");
      const flow = await api.fulfilment.getOrderFlow({ orderId });
      expect([flow.state, flow.attempts, flow.lastError]).toEqual([before, 2, "no answer"]);

      const response = await api.fulfilment.retryOrderFlow({ orderId, operator });

      expect(response.state).toBe(FlowState.RETRYING);
      const row = await api.db
        .selectFrom("oms_db.oms_action_ledger")
        .select(["state", "next_attempt_time"])
        .where("order_id", "=", orderId)
        .where("action", "=", "approve")
        .executeTakeFirstOrThrow();
      expect(row.state).toBe("RETRYING");
      expect(row.next_attempt_time?.getTime()).toBeLessThan(Date.now() + 1_000);
    });

    test("an order that waits for payment is unchanged", async () => {
      const orderId = await submit();

      expect((await api.fulfilment.retryOrderFlow({ orderId, operator })).state).toBe(FlowState.WAITING);
    });
  });

  describe("ExplainOrder", () => {
    test("an unpaid order waits for payment; its timer is not an open Action", async () => {
      const { flow, openActions, summary } = await api.client.explainOrder({ orderId: await submit() });

      expect([flow?.step, flow?.state, openActions]).toEqual(["payment", "WAITING", []]);
      expect(summary).toMatch(
        /^The order is CREATED \(1000\) and waits for its payment until .*, and is cancelled then\.$/,
      );
    });

    test("a parked step is reported as the flow's state, with its error", async () => {
      const orderId = await submit();
      await pay(orderId);
      await setStep(orderId, "approve", "PARKED", "no answer");

      const { flow, openActions, summary } = await api.client.explainOrder({ orderId });

      expect(flow).toMatchObject({ step: "approve", state: "FAILED", lastError: "no answer" });
      expect(openActions.filter(({ action }) => action === "approve")).toEqual([]);
      expect(summary).toContain("waits for an operator to retry the forward flow's step approve");
    });
  });
}

const line = (skuId: bigint, quantity: number, warehouseId: bigint) => ({ skuId, quantity, warehouseId });
