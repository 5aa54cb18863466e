import { randomUUID } from "node:crypto";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../../support/failures.ts";
import { eventsOf, historyOf, insertOrder, nextOrderId, stateOf } from "../../support/orders.ts";
import type { LegacyContractApi } from "./api.ts";

const operator = "li";

/** Legacy operation 8. */
export function reportTests(api: LegacyContractApi): void {
  const report = (orderId: bigint, status: OrderStatus, more: object = {}) =>
    api.client.updateOrderStatus({ orderId, status, operator, ...more });

  /** Reports a status; checks the response, the order and its history. */
  async function expectOutcome(
    orderId: bigint,
    to: OrderStatus,
    outcome: "APPLIED" | "STALE",
    orderStatus: number,
    more: object = {},
  ) {
    expect(await report(orderId, to, more)).toMatchObject(
      api.covered("updateOrderStatus", { outcome: Outcome[outcome], orderId, orderStatus }),
    );
    expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: orderStatus });
    expect((await historyOf(api.db, orderId)).at(-1)).toMatchObject({ to_status: to, outcome });
  }

  describe("UpdateOrderStatus", () => {
    test("applies a report: status, version, history and event", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);

      const first = await report(orderId, OrderStatus.PAID);
      const second = await report(orderId, OrderStatus.APPROVED);

      expect(plain(first)).toEqual(
        api.covered("updateOrderStatus", {
          outcome: Outcome.APPLIED,
          orderId,
          orderStatus: Status.PAID,
          version: 1n,
          messageId: `${orderId}-1`,
        }),
      );
      expect(plain(second)).toEqual(
        api.covered("updateOrderStatus", {
          outcome: Outcome.APPLIED,
          orderId,
          orderStatus: Status.APPROVED,
          version: 2n,
          messageId: `${orderId}-2`,
        }),
      );
      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: Status.APPROVED, version: 2, is_payed: 1 });
      expect(await eventsOf(api.db, orderId)).toEqual([
        `oms.v1.order.status.1010 ${orderId}-1`,
        `oms.v1.order.status.1020 ${orderId}-2`,
      ]);
    });

    test("a repeated report is a DUPLICATE with the message id of the first", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      await report(orderId, OrderStatus.PAID);

      expect(plain(await report(orderId, OrderStatus.PAID))).toEqual(
        api.covered("updateOrderStatus", {
          outcome: Outcome.DUPLICATE,
          orderId,
          orderStatus: Status.PAID,
          version: 1n,
          messageId: `${orderId}-1`,
        }),
      );
      expect(await eventsOf(api.db, orderId)).toHaveLength(1);
    });

    test("a DUPLICATE of a status set by another system has no message id", async () => {
      const orderId = await insertOrder(api.db, Status.PICKING);

      expect(plain(await report(orderId, OrderStatus.PICKING))).toEqual(
        api.covered("updateOrderStatus", {
          outcome: Outcome.DUPLICATE,
          orderId,
          orderStatus: Status.PICKING,
          version: 0n,
          messageId: "",
        }),
      );
      expect(await eventsOf(api.db, orderId)).toEqual([]);
    });

    test("a late report is STALE: recorded in the history without effect", async () => {
      const orderId = await insertOrder(api.db, Status.WMS_DISPATCHED);
      await report(orderId, OrderStatus.HANDED_OVER);

      expect(plain(await report(orderId, OrderStatus.PICKING))).toEqual(
        api.covered("updateOrderStatus", {
          outcome: Outcome.STALE,
          orderId,
          orderStatus: Status.HANDED_OVER,
          version: 1n,
          messageId: "",
        }),
      );
      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: Status.HANDED_OVER, version: 1 });
      expect(await historyOf(api.db, orderId)).toMatchObject([
        { outcome: "APPLIED", version: 1, to_status: Status.HANDED_OVER },
        { outcome: "STALE", version: 1, to_status: Status.PICKING },
      ]);
      expect(await eventsOf(api.db, orderId)).toHaveLength(1);
    });

    test.each<[string, number, OrderStatus, "APPLIED" | "STALE"]>([
      ["back from a final state", Status.DELIVERED, OrderStatus.IN_TRANSIT, "STALE"],
      ["a second delivery attempt", Status.DELIVERY_FAILED, OrderStatus.OUT_FOR_DELIVERY, "APPLIED"],
      ["reporters may skip states of their own", Status.WMS_DISPATCHED, OrderStatus.DELIVERED, "APPLIED"],
      ["cancelled before allocation, by any reporter", Status.APPROVED, OrderStatus.CANCELLED, "APPLIED"],
    ])("%s", async (_name, from, to, outcome) => {
      const orderId = await insertOrder(api.db, from);

      await expectOutcome(orderId, to, outcome, outcome === "APPLIED" ? to : from);
    });

    test.each([
      ["past allocation", Status.APPROVED, OrderStatus.PICKING, "no way leads from APPROVED (1020) to PICKING (3020)"],
      ["out of a final state", Status.DELIVERED, OrderStatus.REJECTED, "DELIVERED (6010) is final"],
      [
        "physical goods do not go from PAID to DELIVERED",
        Status.PAID,
        OrderStatus.DELIVERED,
        "only virtual goods go from PAID (1010) to DELIVERED (6010)",
      ],
      [
        "a report does not cancel after allocation",
        Status.PICKING,
        OrderStatus.CANCELLED,
        "stock is allocated: from PICKING (3020) on only CancelOrder cancels, after the warehouse agreed",
      ],
    ])("refused, %s: ILLEGAL_TRANSITION", async (_name, from, to, reason) => {
      const orderId = await insertOrder(api.db, from);

      expect(await failure(report(orderId, to))).toEqual(
        api.failure({
          code: "FailedPrecondition",
          message: `order ${orderId}: ${reason}`,
          details: {
            ErrorInfo: {
              reason: "ILLEGAL_TRANSITION",
              domain: "orderstatus.oms",
              metadata: {
                from: nameOf(from),
                to: nameOf(to),
                order_id: String(orderId),
              },
            },
          },
        }),
      );
      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: from, version: 0 });
    });

    test("virtual goods go from PAID to DELIVERED", async () => {
      const orderId = await insertOrder(api.db, Status.PAID, { main: { order_type: 31 } });

      await expectOutcome(orderId, OrderStatus.DELIVERED, "APPLIED", Status.DELIVERED);
    });

    test("a pause rejects steps of the forward flow: ORDER_PAUSED", async () => {
      const orderId = await insertOrder(api.db, Status.APPROVED, { state: { is_pause: 1 } });

      expect(await failure(report(orderId, OrderStatus.ERP_ALLOCATED))).toEqual(
        api.failure({
          code: "FailedPrecondition",
          message: `order ${orderId}: the order is paused: resume it before ERP_ALLOCATED (2010)`,
          details: {
            ErrorInfo: {
              reason: "ORDER_PAUSED",
              domain: "orderstatus.oms",
              metadata: { from: "APPROVED", to: "ERP_ALLOCATED", order_id: String(orderId) },
            },
          },
        }),
      );
      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: Status.APPROVED, version: 0 });
    });

    test("a pause does not reject reports of what has happened", async () => {
      const orderId = await insertOrder(api.db, Status.WMS_DISPATCHED, { state: { is_pause: 1 } });

      await expectOutcome(orderId, OrderStatus.PICKING, "APPLIED", Status.PICKING);
    });

    test("a repeated request_id returns the first response, also after further changes", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      const requestId = randomUUID();
      const first = await report(orderId, OrderStatus.PAID, { requestId });
      await report(orderId, OrderStatus.APPROVED);

      expect(plain(await report(orderId, OrderStatus.PAID, { requestId }))).toEqual(plain(first));
      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: Status.APPROVED, version: 2 });
    });

    test("a request_id with other content is ALREADY_EXISTS", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      const requestId = randomUUID();
      await report(orderId, OrderStatus.PAID, { requestId });

      expect(await failure(report(orderId, OrderStatus.APPROVED, { requestId }))).toEqual(
        api.failure({
          code: "AlreadyExists",
          message: `request_id "${requestId}" was used before with another content: use a new one for a new request`,
          details: {
            ErrorInfo: { reason: "REQUEST_ID_REUSED", domain: "orderstatus.oms", metadata: { request_id: requestId } },
          },
        }),
      );
      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: Status.PAID, version: 1 });
    });

    test("a rejected request does not use up its request_id", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      const requestId = randomUUID();
      await failure(report(orderId, OrderStatus.PICKING, { requestId }));

      await expectOutcome(orderId, OrderStatus.PAID, "APPLIED", Status.PAID, { requestId });
    });

    test("an unknown order is NOT_FOUND", async () => {
      const orderId = nextOrderId();

      expect(await failure(report(orderId, OrderStatus.PAID))).toEqual(
        api.failure({
          code: "NotFound",
          message: `there is no order ${orderId}`,
          details: {},
        }),
      );
    });
  });

  test("time, remark, operator and request id are stored as given", async () => {
    const orderId = await insertOrder(api.db, Status.CREATED);
    const occurTime = new Date("2024-02-29T23:59:59.123Z");
    const given = { operator, remark: "支付宝 🧧 it's 'paid' \\ ok", requestId: `kept-${orderId}` };
    const status = OrderStatus.PAID;
    await api.client.updateOrderStatus({ orderId, status, occurTime: timestampFromDate(occurTime), ...given });

    expect(await historyOf(api.db, orderId)).toEqual([
      {
        version: 1,
        from_status: Status.CREATED,
        to_status: Status.PAID,
        outcome: "APPLIED",
        occur_time: occurTime,
        caller: expect.any(String),
        operator,
        request_id: given.requestId,
        remark: given.remark,
      },
    ]);
  });
}

const NAMES = new Map<number, string>(Object.entries(Status).map(([name, code]) => [code, name]));

function nameOf(code: number): string {
  return NAMES.get(code) ?? String(code);
}
