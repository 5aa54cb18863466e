import { describe, expect, test } from "vitest";
import { FlowState } from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { Clients } from "../../support/clients.ts";
import { failure } from "../transport/failures.ts";
import { insertOrder, nextOrderId } from "../transport/orders.ts";
import { type ContractContext, eventsOf, stateOf } from "./context.ts";

/** FulfilmentService, with no step run: the test says what became of one. */
export function fulfilmentTests(it: ContractContext & Pick<Clients, "fulfilment">): void {
  const lines = [line(7n, 2, 1n)];
  const operator = "li";

  async function submit(more: Parameters<Clients["fulfilment"]["submitOrder"]>[0] = {}): Promise<bigint> {
    const answer = await it.fulfilment.submitOrder({ orderSource: 1000, orderType: 1, lines, operator, ...more });
    return answer.orderId;
  }

  const pay = (orderId: bigint) => it.client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator });

  /** What the ledger says of an order's step. */
  function setRun(orderId: bigint, step: string, state: "RETRYING" | "PARKED", lastError: string) {
    return it.db
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
    test("the order waits for its payment", async () => {
      const orderId = await submit();

      expect(await stateOf(it.db, orderId)).toMatchObject({ order_status: 1000, version: 1, is_payed: 0 });
      expect(await eventsOf(it.db, orderId)).toEqual([`oms.v1.order.status.1000 ${orderId}-1`]);
      const flow = await it.fulfilment.getOrderFlow({ orderId });
      expect([flow.step, flow.state, flow.childOrderIds]).toEqual(["payment", FlowState.WAITING, []]);
      expect(flow.nextRunTime).toBeDefined();
      expect(flow.summary).toContain("waits for its payment until ");
    });

    test("a repeat gets the first order, another content is ALREADY_EXISTS", async () => {
      const requestId = `submit-${nextOrderId()}`;
      const orderId = await submit({ requestId });

      expect(await submit({ requestId })).toBe(orderId);
      expect(await failure(submit({ requestId, orderSource: 1025 }))).toMatchObject({
        code: "AlreadyExists",
        details: { ErrorInfo: { reason: "REQUEST_ID_REUSED" } },
      });
    });

    test("an order id that is taken is ALREADY_EXISTS", async () => {
      const orderId = await insertOrder(it.db, 1000);

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

    test("virtual goods need no warehouse and no flow", async () => {
      const orderId = await submit({ orderType: 31, rechargeAccount: "13800000000", lines: [line(7n, 1, 0n)] });
      await pay(orderId);

      const { step, state } = await it.fulfilment.getOrderFlow({ orderId });
      expect([step, state]).toEqual(["", FlowState.DONE]);
    });
  });

  describe("GetOrderFlow", () => {
    test("a paid order is at its first step, and is held there by a pause", async () => {
      const orderId = await submit();
      await pay(orderId);
      const before = await it.fulfilment.getOrderFlow({ orderId });
      await it.client.setOrderPause({ orderId, paused: true, operator });
      const after = await it.fulfilment.getOrderFlow({ orderId });

      expect([before.step, before.state]).toEqual(["approve", FlowState.RUNNING]);
      expect([after.step, after.state]).toEqual(["approve", FlowState.PAUSED]);
    });

    test("an order that others move is NOT_FOUND", async () => {
      const orderId = await insertOrder(it.db, 1010);

      expect((await failure(it.fulfilment.getOrderFlow({ orderId }))).code).toBe("NotFound");
      expect((await failure(it.fulfilment.retryOrderFlow({ orderId, operator }))).code).toBe("NotFound");
    });
  });

  test("ListOrderFlows: newest id first, page by page, by state and step", async () => {
    const waiting = [await submit(), await submit(), await submit()].toReversed();
    const paid = await submit();
    await pay(paid);

    const first = await it.fulfilment.listOrderFlows({ step: "payment", pageSize: 2 });
    const second = await it.fulfilment.listOrderFlows({
      state: FlowState.WAITING,
      pageSize: 1,
      pageToken: first.nextPageToken,
    });
    expect([...first.flows, ...second.flows].map(({ orderId }) => orderId)).toEqual(waiting);
    const running = await it.fulfilment.listOrderFlows({ state: FlowState.RUNNING, step: "approve", pageSize: 1 });
    expect(running.flows.map(({ orderId }) => orderId)).toEqual([paid]);
    expect((await failure(it.fulfilment.listOrderFlows({ pageToken: "x" }))).code).toBe("InvalidArgument");
  });

  describe("RetryOrderFlow", () => {
    test.each([
      ["RETRYING", FlowState.RETRYING],
      ["PARKED", FlowState.FAILED],
    ] as const)("a %s step is due now", async (state, before) => {
      const orderId = await submit();
      await pay(orderId);
      await setRun(orderId, "approve", state, "no answer");
      const flow = await it.fulfilment.getOrderFlow({ orderId });
      expect([flow.state, flow.attempts, flow.lastError]).toEqual([before, 2, "no answer"]);

      const answer = await it.fulfilment.retryOrderFlow({ orderId, operator });

      expect(answer.state).toBe(FlowState.RETRYING);
      const row = await it.db
        .selectFrom("oms_db.oms_action_ledger")
        .select(["state", "next_attempt_time"])
        .where("order_id", "=", orderId)
        .where("action", "=", "approve")
        .executeTakeFirstOrThrow();
      expect(row.state).toBe("RETRYING");
      expect(row.next_attempt_time?.getTime()).toBeLessThan(Date.now() + 1_000);
    });

    test("an order that waits for its payment is left as it is", async () => {
      const orderId = await submit();

      expect((await it.fulfilment.retryOrderFlow({ orderId, operator })).state).toBe(FlowState.WAITING);
    });
  });

  describe("ExplainOrder", () => {
    test("an unpaid order waits for its payment; the timer is no open work", async () => {
      const { flow, openActions, summary } = await it.client.explainOrder({ orderId: await submit() });

      expect([flow?.step, flow?.state, openActions]).toEqual(["payment", "WAITING", []]);
      expect(summary).toMatch(
        /^The order is CREATED \(1000\) and waits for its payment until .*, and is cancelled then\.$/,
      );
    });

    test("a step that was given up is told as the flow's, with its error", async () => {
      const orderId = await submit();
      await pay(orderId);
      await setRun(orderId, "approve", "PARKED", "no answer");

      const { flow, openActions, summary } = await it.client.explainOrder({ orderId });

      expect(flow).toMatchObject({ step: "approve", state: "FAILED", lastError: "no answer" });
      expect(openActions.filter(({ action }) => action === "approve")).toEqual([]);
      expect(summary).toContain("waits for somebody to retry the forward flow's step approve");
    });
  });
}

const line = (skuId: bigint, quantity: number, warehouseId: bigint) => ({ skuId, quantity, warehouseId });
