import { describe, expect, test } from "vitest";
import { NotPayableReason, OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { SHIPMENT_TYPES } from "../../../src/domain/shipment-types.ts";
import { STATES, Status, TRANSITIONS } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../answers.ts";
import { insertOrder, nextOrderId } from "../orders.ts";
import type { SuiteContext } from "./context.ts";

const operator = "wang";

/** Old operations 5, 7, 9, 10, 11 and 12, and the reads that the old system did not have. */
export function readTests(it: SuiteContext): void {
  describe("GetPaymentStatus", () => {
    test.each([
      [1, true],
      [0, false],
      [null, false],
    ])("is_payed %s", async (is_payed, paid) => {
      const orderId = await insertOrder(it.db, Status.CREATED, { main: { is_payed } });

      expect(plain(await it.client.getPaymentStatus({ orderId }))).toEqual({ paid });
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(it.client.getPaymentStatus({ orderId: nextOrderId() }))).code).toBe("NotFound");
    });
  });

  describe("GetOrderStatus", () => {
    test("state, pause, version, time and return ids", async () => {
      const update_date = new Date("2026-03-01T10:20:30.456Z");
      const orderId = await insertOrder(it.db, Status.DELIVERED, { state: { is_pause: 1, update_date } });
      await it.db
        .insertInto("ordercancel_db.order_return_detail")
        .values([12n, 11n, 9_007_199_254_740_993n].map((return_id) => ({ order_id: orderId, return_id })))
        .execute();

      expect(plain(await it.client.getOrderStatus({ orderId }))).toEqual({
        orderId,
        orderStatus: OrderStatus.DELIVERED,
        paused: true,
        finished: true,
        version: 0n,
        updateTime: update_date,
        returnIds: [11n, 12n, 9_007_199_254_740_993n],
      });
    });

    test.each([
      ["dispatched: the old mark is 1, the state is not final", Status.WMS_DISPATCHED, 1, false],
      ["rejected: the old mark is 0, the state is final", Status.REJECTED, 0, true],
      ["a code that the table does not know is not final", 4444, 1, false],
    ])("%s", async (_name, status, is_finish, finished) => {
      const orderId = await insertOrder(it.db, status, { state: { is_finish } });

      const answer = await it.client.getOrderStatus({ orderId });
      expect([answer.orderStatus, answer.finished]).toEqual([status, finished]);
    });

    test("an unknown order is NOT_FOUND", async () => {
      const orderId = nextOrderId();

      expect(await failure(it.client.getOrderStatus({ orderId }))).toEqual({
        code: "NotFound",
        message: `there is no order ${orderId}`,
        details: {},
      });
    });
  });

  describe("CheckPayable", () => {
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

    test.each([
      ["29 minutes old", 1000, 29, false, NotPayableReason.UNSPECIFIED],
      ["30 minutes old", 1000, 30, false, NotPayableReason.EXPIRED],
      ["source 1025 never expires", 1025, 600, false, NotPayableReason.UNSPECIFIED],
      ["a cancel was requested", 1025, 1, true, NotPayableReason.CANCEL_REQUESTED],
    ])("%s", async (_name, order_source, minutes, cancelled, reason) => {
      const create_date = minutesAgo(minutes);
      const orderId = await insertOrder(it.db, Status.CREATED, { main: { order_source, create_date } });
      if (cancelled) {
        await it.db.insertInto("ordercancel_db.oms_order_cancel").values({ order_id: orderId }).execute();
      }

      expect(plain(await it.client.checkPayable({ orderId }))).toEqual({
        payable: reason === NotPayableReason.UNSPECIFIED,
        reason,
      });
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(it.client.checkPayable({ orderId: nextOrderId() }))).code).toBe("NotFound");
    });
  });

  describe("GetMaxSubOrderStatus", () => {
    test("the furthest sub-order; parents and types 41, 5, 4 do not count", async () => {
      const root = nextOrderId();
      const child = (status: number, main: object = {}) =>
        insertOrder(it.db, status, { main: { root_parent_id: root, parent_id: root, ...main } });
      await child(Status.SPLIT, { is_parent: 1 });
      await child(Status.PICKING);
      await child(Status.HANDED_OVER);
      await child(Status.DELIVERED, { is_parent: 1 });
      await child(Status.REJECTED, { order_type: 41 });
      await child(Status.REJECTED, { order_type: 5 });
      await child(Status.REJECTED, { order_type: 4 });

      expect(plain(await it.client.getMaxSubOrderStatus({ rootOrderId: root }))).toEqual({
        orderStatus: OrderStatus.HANDED_OVER,
      });
    });

    test("a trade without sub-order is NOT_FOUND", async () => {
      const rootOrderId = nextOrderId();

      expect(await failure(it.client.getMaxSubOrderStatus({ rootOrderId }))).toEqual({
        code: "NotFound",
        message: `trade ${rootOrderId} has no sub-order`,
        details: {},
      });
    });
  });

  test("ListOrderSources: all, by code", async () => {
    await it.db.deleteFrom("oms_db.oms_order_source").execute();
    await it.db
      .insertInto("oms_db.oms_order_source")
      .values([
        { order_source: 2001, order_source_value: "美团" },
        { order_source: 1000, order_source_value: "自营" },
      ])
      .execute();

    expect(plain(await it.client.listOrderSources({}))).toEqual({
      sources: [
        { orderSource: 1000, name: "自营" },
        { orderSource: 2001, name: "美团" },
      ],
    });
  });

  test("ListShipmentTypes: the fixed list", async () => {
    expect(plain(await it.client.listShipmentTypes({}))).toEqual({ shipmentTypes: SHIPMENT_TYPES });
  });

  test("BatchGetOrderStatus: in the order of the request, each once; unknown ones are listed", async () => {
    const first = await insertOrder(it.db, Status.PAID);
    const second = await insertOrder(it.db, Status.PICKING);
    const [lost, gone] = [nextOrderId(), nextOrderId()];

    const answer = await it.client.batchGetOrderStatus({ orderIds: [gone, second, lost, first, second, gone] });

    expect(answer.statuses.map(({ orderId, orderStatus }) => [orderId, orderStatus])).toEqual([
      [second, Status.PICKING],
      [first, Status.PAID],
    ]);
    expect(answer.missingOrderIds).toEqual([gone, lost]);
    expect({ ...(plain(answer.statuses[1]) as object) }).toEqual(
      plain(await it.client.getOrderStatus({ orderId: first })),
    );
  });

  describe("ListStatusHistory", () => {
    test("page by page, oldest first", async () => {
      const orderId = await insertOrder(it.db, Status.CREATED);
      const way = [OrderStatus.PAID, OrderStatus.APPROVED, OrderStatus.ERP_ALLOCATED, OrderStatus.WMS_DISPATCHED];
      for (const status of way) {
        await it.client.updateOrderStatus({ orderId, status, operator });
      }

      const pages: number[][] = [];
      let pageToken = "";
      do {
        const page = await it.client.listStatusHistory({ orderId, pageSize: 2, pageToken });
        pages.push(page.entries.map(({ toStatus }) => toStatus));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      expect(pages).toEqual([
        [1010, 1020],
        [2010, 2020],
      ]);
    });

    test("an order without history has an empty page", async () => {
      const orderId = await insertOrder(it.db, Status.PAID);

      expect(plain(await it.client.listStatusHistory({ orderId }))).toEqual({ entries: [], nextPageToken: "" });
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(it.client.listStatusHistory({ orderId: nextOrderId() }))).code).toBe("NotFound");
    });

    test.each(["x", "-1", "1.5", "99999999999999999999"])("%s is no page token", async (pageToken) => {
      const orderId = await insertOrder(it.db, Status.PAID);
      const description = `must be the next_page_token of the page before, was "${pageToken}"`;

      expect(await failure(it.client.listStatusHistory({ orderId, pageToken }))).toEqual({
        code: "InvalidArgument",
        message: `page_token: ${description}`,
        details: { BadRequest: { fieldViolations: [{ field: "page_token", description, reason: "" }] } },
      });
    });
  });

  describe("ExplainOrder", () => {
    test("what may come, what may not and why, what is open, what it waits for", async () => {
      const orderId = await insertOrder(it.db, Status.WMS_DISPATCHED, { main: { order_source: 2001 } });
      await it.client.updateOrderStatus({ orderId, status: OrderStatus.PACKED, operator });

      const answer = await it.client.explainOrder({ orderId });

      expect(plain({ ...answer, refused: answer.refused.length })).toMatchObject({
        orderStatus: OrderStatus.PACKED,
        paused: false,
        finished: false,
        version: 1n,
        allowed: [
          { status: OrderStatus.HANDED_OVER, toldBy: ["WMS"] },
          { status: OrderStatus.IN_TRANSIT, toldBy: ["TMS"] },
          { status: OrderStatus.OUT_FOR_DELIVERY, toldBy: ["DMS"] },
          { status: OrderStatus.DELIVERED, toldBy: ["TMS", "DMS", "front end"] },
          { status: OrderStatus.REJECTED, toldBy: ["TMS", "DMS"] },
          { status: OrderStatus.DELIVERY_FAILED, toldBy: ["TMS", "DMS"] },
          { status: OrderStatus.LOST, toldBy: ["TMS"] },
          { status: OrderStatus.CANCELLED, toldBy: ["reversal flow, by CancelOrder"] },
        ],
        refused: STATES.length - 8,
        openActions: [
          { action: "third-party-notify", state: "PENDING", attempts: 0, lastError: "", messageId: `${orderId}-1` },
        ],
        summary:
          "The order is PACKED (3030) and waits for WMS, TMS, DMS or front end to report HANDED_OVER (4010), IN_TRANSIT (5010), OUT_FOR_DELIVERY (5020), DELIVERED (6010), REJECTED (6020), DELIVERY_FAILED (6030) or LOST (6040); not done yet: third-party-notify (under way).",
      });
      expect(answer.flow).toBeUndefined();
    });

    test("a paused order waits for its resume", async () => {
      const orderId = await insertOrder(it.db, Status.APPROVED, { state: { is_pause: 1 } });

      const { paused, summary } = await it.client.explainOrder({ orderId });
      expect([paused, summary]).toEqual([
        true,
        "The order is APPROVED (1020) and paused, and waits for somebody to resume it before SPLIT (1030) or ERP_ALLOCATED (2010).",
      ]);
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(it.client.explainOrder({ orderId: nextOrderId() }))).code).toBe("NotFound");
    });
  });

  test("DescribeStateMachine: the table that is enforced", async () => {
    const answer = await it.client.describeStateMachine({});

    expect(plain(answer)).toEqual({
      states: STATES.map(({ code, name, label, final }) => ({ code, name, label, final })),
      transitions: TRANSITIONS.map(({ from, to, toldBy, condition = "" }) => ({ from, to, toldBy, condition })),
    });
  });
}
