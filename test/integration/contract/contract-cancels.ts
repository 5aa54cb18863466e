import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../transport/failures.ts";
import { insertOrder, nextOrderId } from "../transport/orders.ts";
import { eventsOf, historyOf, type SuiteContext, stateOf } from "./context.ts";

const operator = "li";

/** Old operation 6. */
export function cancelTests(it: SuiteContext): void {
  describe("CancelOrder", () => {
    const cancel = (orderId: bigint, requestId = "") =>
      it.client.cancelOrder({ orderId, operator, reason: "no stock", requestId });

    test.each([
      ["CREATED", Status.CREATED, 0],
      ["APPROVED, paused", Status.APPROVED, 1],
      ["ERP_ALLOCATED", Status.ERP_ALLOCATED, 0],
      ["PACKED", Status.PACKED, 1],
    ])("%s: cancelled, finished and of the cancelled type", async (_name, status, is_pause) => {
      const orderId = await insertOrder(it.db, status, { state: { is_pause } });

      expect(plain(await cancel(orderId))).toEqual(
        it.covered("cancelOrder", {
          outcome: Outcome.APPLIED,
          orderStatus: Status.CANCELLED,
          version: 1n,
          messageId: `${orderId}-1`,
        }),
      );
      expect(await stateOf(it.db, orderId)).toMatchObject({
        order_status: Status.CANCELLED,
        is_finish: 1,
        order_type: 100,
        version: 1,
      });
      expect(await eventsOf(it.db, orderId)).toEqual([`oms.v1.order.status.9001 ${orderId}-1`]);
      expect(await historyOf(it.db, orderId)).toMatchObject([{ remark: "no stock", operator }]);
    });

    test("twice: a DUPLICATE with the first one's message id", async () => {
      const orderId = await insertOrder(it.db, Status.PAID);
      await cancel(orderId);

      expect(plain(await cancel(orderId))).toEqual(
        it.covered("cancelOrder", {
          outcome: Outcome.DUPLICATE,
          orderStatus: Status.CANCELLED,
          version: 1n,
          messageId: `${orderId}-1`,
        }),
      );
    });

    test("a repeated request_id gets the first answer; with another content ALREADY_EXISTS", async () => {
      const orderId = await insertOrder(it.db, Status.PAID);
      const requestId = randomUUID();
      const first = await cancel(orderId, requestId);

      expect(plain(await cancel(orderId, requestId))).toEqual(plain(first));
      const other = it.client.cancelOrder({ orderId, operator, reason: "another", requestId });
      expect(await failure(other)).toEqual(
        it.failure({
          code: "AlreadyExists",
          message: `request_id "${requestId}" was used before with another content: use a new one for a new request`,
          details: {
            ErrorInfo: { reason: "REQUEST_ID_REUSED", domain: "orderstatus.oms", metadata: { request_id: requestId } },
          },
        }),
      );
    });

    test.each([
      ["HANDED_OVER", Status.HANDED_OVER, "no way leads from HANDED_OVER (4010) to CANCELLED (9001)"],
      ["DELIVERED", Status.DELIVERED, "DELIVERED (6010) is final"],
      ["SPLIT", Status.SPLIT, "SPLIT (1030) is final"],
    ])("%s: ILLEGAL_TRANSITION", async (name, status, why) => {
      const orderId = await insertOrder(it.db, status);

      expect(await failure(cancel(orderId))).toEqual(
        it.failure({
          code: "FailedPrecondition",
          message: `order ${orderId}: ${why}`,
          details: {
            ErrorInfo: {
              reason: "ILLEGAL_TRANSITION",
              domain: "orderstatus.oms",
              metadata: { from: name, to: "CANCELLED", order_id: String(orderId) },
            },
          },
        }),
      );
      expect(await stateOf(it.db, orderId)).toMatchObject({ order_status: status, version: 0 });
      expect(await eventsOf(it.db, orderId)).toEqual([]);
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(cancel(nextOrderId()))).code).toBe("NotFound");
    });
  });
}
