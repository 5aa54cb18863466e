import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { failure, plain } from "../../support/failures.ts";
import { eventsOf, historyOf, insertOrder, nextOrderId, stateOf } from "../../support/orders.ts";
import type { LegacyContractApi } from "./api.ts";

const operator = "li";

/** Legacy operation 6. */
export function cancelTests(api: LegacyContractApi): void {
  describe("CancelOrder", () => {
    const cancel = (orderId: bigint, requestId = "") =>
      api.client.cancelOrder({ orderId, operator, reason: "no stock", requestId });

    test.each([
      ["CREATED", Status.CREATED, 0],
      ["APPROVED, paused", Status.APPROVED, 1],
      ["ERP_ALLOCATED", Status.ERP_ALLOCATED, 0],
      ["PACKED", Status.PACKED, 1],
    ])("%s: cancelled, finished, order type cancelled", async (_name, status, is_pause) => {
      const orderId = await insertOrder(api.db, status, { state: { is_pause } });

      expect(plain(await cancel(orderId))).toEqual(
        api.covered("cancelOrder", {
          outcome: Outcome.APPLIED,
          orderStatus: Status.CANCELLED,
          version: 1n,
          messageId: `${orderId}-1`,
        }),
      );
      expect(await stateOf(api.db, orderId)).toMatchObject({
        order_status: Status.CANCELLED,
        is_finish: 1,
        order_type: 100,
        version: 1,
      });
      expect(await eventsOf(api.db, orderId)).toEqual([`oms.v1.order.status.9001 ${orderId}-1`]);
      expect(await historyOf(api.db, orderId)).toMatchObject([{ remark: "no stock", operator }]);
    });

    test("repeated: DUPLICATE with the message id of the first", async () => {
      const orderId = await insertOrder(api.db, Status.PAID);
      await cancel(orderId);

      expect(plain(await cancel(orderId))).toEqual(
        api.covered("cancelOrder", {
          outcome: Outcome.DUPLICATE,
          orderStatus: Status.CANCELLED,
          version: 1n,
          messageId: `${orderId}-1`,
        }),
      );
    });

    test("a repeated request_id returns the first response; with other content ALREADY_EXISTS", async () => {
      const orderId = await insertOrder(api.db, Status.PAID);
      const requestId = randomUUID();
      const first = await cancel(orderId, requestId);

      expect(plain(await cancel(orderId, requestId))).toEqual(plain(first));
      const other = api.client.cancelOrder({ orderId, operator, reason: "another", requestId });
      expect(await failure(other)).toEqual(
        api.failure({
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
    ])("%s: ILLEGAL_TRANSITION", async (name, status, reason) => {
      const orderId = await insertOrder(api.db, status);

      expect(await failure(cancel(orderId))).toEqual(
        api.failure({
          code: "FailedPrecondition",
          message: `order ${orderId}: ${reason}`,
          details: {
            ErrorInfo: {
              reason: "ILLEGAL_TRANSITION",
              domain: "orderstatus.oms",
              metadata: { from: name, to: "CANCELLED", order_id: String(orderId) },
            },
          },
        }),
      );
      expect(await stateOf(api.db, orderId)).toMatchObject({ order_status: status, version: 0 });
      expect(await eventsOf(api.db, orderId)).toEqual([]);
    });

    test("an unknown order is NOT_FOUND", async () => {
      expect((await failure(cancel(nextOrderId()))).code).toBe("NotFound");
    });
  });
}
