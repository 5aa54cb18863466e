import { describe, expect, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { STATES, Status, TRANSITIONS } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../../support/failures.ts";
import { insertOrder, nextOrderId } from "../../support/orders.ts";
import type { ContractApi } from "./api.ts";

const operator = "wang";

/** Reads without legacy counterpart. */
export function queryTests(api: ContractApi): void {
  test("BatchGetOrderStatus: in request order without duplicates; unknown orders are listed", async () => {
    const first = await insertOrder(api.db, Status.PAID);
    const second = await insertOrder(api.db, Status.PICKING);
    const [unknown, other] = [nextOrderId(), nextOrderId()];

    const response = await api.client.batchGetOrderStatus({ orderIds: [other, second, unknown, first, second, other] });

    expect(response.statuses.map(({ orderId, orderStatus }) => [orderId, orderStatus])).toEqual([
      [second, Status.PICKING],
      [first, Status.PAID],
    ]);
    expect(response.missingOrderIds).toEqual([other, unknown]);
    expect({ ...(plain(response.statuses[1]) as object) }).toEqual(
      plain(await api.client.getOrderStatus({ orderId: first })),
    );
  });

  describe("ListStatusHistory", () => {
    test("pages, oldest first", async () => {
      const orderId = await insertOrder(api.db, Status.CREATED);
      const path = [OrderStatus.PAID, OrderStatus.APPROVED, OrderStatus.ERP_ALLOCATED, OrderStatus.WMS_DISPATCHED];
      for (const status of path) {
        await api.client.updateOrderStatus({ orderId, status, operator });
      }

      const pages: number[][] = [];
      let pageToken = "";
      do {
        const page = await api.client.listStatusHistory({ orderId, pageSize: 2, pageToken });
        pages.push(page.entries.map(({ toStatus }) => toStatus));
        pageToken = page.nextPageToken;
      } while (pageToken !== "");
      expect(pages).toEqual([
        [1010, 1020],
        [2010, 2020],
      ]);
    });

    test("an order without history has an empty page", async () => {
      const orderId = await insertOrder(api.db, Status.PAID);

      expect(plain(await api.client.listStatusHistory({ orderId }))).toEqual({ entries: [], nextPageToken: "" });
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(api.client.listStatusHistory({ orderId: nextOrderId() }))).code).toBe("NotFound");
    });

    test.each(["x", "-1", "1.5", "99999999999999999999"])("page token %s is INVALID_ARGUMENT", async (pageToken) => {
      const orderId = await insertOrder(api.db, Status.PAID);
      const description = `must be the next_page_token of the previous page, was "${pageToken}"`;

      expect(await failure(api.client.listStatusHistory({ orderId, pageToken }))).toEqual({
        code: "InvalidArgument",
        message: `page_token: ${description}`,
        details: { BadRequest: { fieldViolations: [{ field: "page_token", description, reason: "" }] } },
      });
    });
  });

  describe("ExplainOrder", () => {
    test("allowed and refused states with reasons, open Actions, and what the order waits for", async () => {
      const orderId = await insertOrder(api.db, Status.WMS_DISPATCHED, { main: { order_source: 2001 } });
      await api.client.updateOrderStatus({ orderId, status: OrderStatus.PACKED, operator });

      const response = await api.client.explainOrder({ orderId });

      expect(plain({ ...response, refused: response.refused.length })).toMatchObject({
        orderStatus: OrderStatus.PACKED,
        paused: false,
        finished: false,
        version: 1n,
        allowed: [
          { status: OrderStatus.HANDED_OVER, reportedBy: ["WMS"] },
          { status: OrderStatus.IN_TRANSIT, reportedBy: ["TMS"] },
          { status: OrderStatus.OUT_FOR_DELIVERY, reportedBy: ["DMS"] },
          { status: OrderStatus.DELIVERED, reportedBy: ["TMS", "DMS", "front end"] },
          { status: OrderStatus.REJECTED, reportedBy: ["TMS", "DMS"] },
          { status: OrderStatus.DELIVERY_FAILED, reportedBy: ["TMS", "DMS"] },
          { status: OrderStatus.LOST, reportedBy: ["TMS"] },
          { status: OrderStatus.CANCELLED, reportedBy: ["reversal flow, by CancelOrder"] },
        ],
        refused: STATES.length - 8,
        openActions: [
          { action: "third-party-notify", state: "PENDING", attempts: 0, lastError: "", messageId: `${orderId}-1` },
        ],
        summary:
          "The order is PACKED (3030) and waits for WMS, TMS, DMS or front end to report HANDED_OVER (4010), IN_TRANSIT (5010), OUT_FOR_DELIVERY (5020), DELIVERED (6010), REJECTED (6020), DELIVERY_FAILED (6030) or LOST (6040); not done yet: third-party-notify (in progress).",
      });
      expect(response.flow).toBeUndefined();
    });

    test("a paused order waits to be resumed", async () => {
      const orderId = await insertOrder(api.db, Status.APPROVED, { state: { is_pause: 1 } });

      const { paused, summary } = await api.client.explainOrder({ orderId });
      expect([paused, summary]).toEqual([
        true,
        "The order is APPROVED (1020) and paused, and must be resumed before SPLIT (1030) or ERP_ALLOCATED (2010).",
      ]);
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(api.client.explainOrder({ orderId: nextOrderId() }))).code).toBe("NotFound");
    });
  });

  test("DescribeStateMachine: the enforced table", async () => {
    const response = await api.client.describeStateMachine({});

    expect(plain(response)).toEqual({
      states: STATES.map(({ code, name, label, final }) => ({ code, name, label, final })),
      transitions: TRANSITIONS.map(({ from, to, reportedBy, condition = "" }) => ({ from, to, reportedBy, condition })),
    });
  });
}
