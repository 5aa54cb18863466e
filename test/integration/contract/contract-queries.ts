import { describe, expect, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { STATES, Status, TRANSITIONS } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../transport/failures.ts";
import { insertOrder, nextOrderId } from "../transport/orders.ts";
import type { ContractContext } from "./context.ts";

const operator = "wang";

/** The reads that the old system did not have. */
export function queryTests(it: ContractContext): void {
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
      transitions: TRANSITIONS.map(({ from, to, reportedBy, condition = "" }) => ({ from, to, reportedBy, condition })),
    });
  });
}
