import { describe, expect, test } from "vitest";
import { OrderStatus, OrderStatusSchema } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { OrderStatusClient } from "../../support/clients.ts";
import { failure } from "../../support/failures.ts";
import { historyOf, insertOrder } from "../../support/orders.ts";
import { type ContractApi, invalid, tooLong, type Violation } from "./api.ts";

type UnaryRpc = Exclude<keyof OrderStatusClient, "watchOrderStatus">;

const orderId = 1n;
const operator = "x";
const NO_ORDER: Violation = ["order_id", "must be greater than 0, was 0"];
const NO_OPERATOR: Violation = ["operator", 'must be at least 1 characters, was ""'];
const STATES = `must be one of ${OrderStatusSchema.values
  .filter(({ number }) => number > 0)
  .map(({ name }) => name)
  .join(", ")}`;

const CASES: readonly (readonly [rpc: UnaryRpc, request: object, violations: readonly Violation[]])[] = [
  ["pauseForCancel", {}, [NO_ORDER, NO_OPERATOR]],
  ["pauseForRejection", {}, [NO_ORDER, NO_OPERATOR]],
  ["returnOrder", {}, [NO_ORDER, NO_OPERATOR]],
  ["setOrderPause", {}, [NO_ORDER, NO_OPERATOR]],
  ["getPaymentStatus", {}, [NO_ORDER]],
  ["cancelOrder", {}, [NO_ORDER, NO_OPERATOR]],
  ["getOrderStatus", {}, [NO_ORDER]],
  [
    "updateOrderStatus",
    { expectedVersion: -1n },
    [
      NO_ORDER,
      ["status", `${STATES}, was ORDER_STATUS_UNSPECIFIED (0)`],
      NO_OPERATOR,
      ["expected_version", "must be greater than or equal to 0, was -1"],
    ],
  ],
  ["updateOrderStatus", { orderId, operator, status: 1234 }, [["status", `${STATES}, was 1234`]]],
  ["checkPayable", {}, [NO_ORDER]],
  ["getMaxSubOrderStatus", {}, [["root_order_id", "must be greater than 0, was 0"]]],
  ["markInvoicesPrinted", {}, [["order_ids", "must contain at least 1 item(s), was 0 items"]]],
  [
    "updateDeliveryInfo",
    {},
    [
      NO_ORDER,
      ["delivery_id", 'must be at least 1 characters, was ""'],
      ["delivery_company", 'must be at least 1 characters, was ""'],
      ["waybill_no", 'must be at least 1 characters, was ""'],
      NO_OPERATOR,
    ],
  ],
  ["recordShippedQuantities", {}, [NO_ORDER, ["lines", "must contain at least 1 item(s), was 0 items"], NO_OPERATOR]],
  ["batchUpdateOrderStatus", {}, [["updates", "must contain at least 1 item(s), was 0 items"]]],
  [
    "batchUpdateOrderStatus",
    { updates: Array(1_001).fill({ orderId, operator, status: OrderStatus.PAID }) },
    [["updates", "must contain no more than 1000 item(s), was 1001 items"]],
  ],
  ["batchGetOrderStatus", {}, [["order_ids", "must contain at least 1 item(s), was 0 items"]]],
  ["batchGetOrderStatus", { orderIds: [1n, -1n] }, [["order_ids[1]", "must be greater than 0, was -1"]]],
  [
    "batchGetOrderStatus",
    { orderIds: Array(1_001).fill(1n) },
    [["order_ids", "must contain no more than 1000 item(s), was 1001 items"]],
  ],
  [
    "listStatusHistory",
    { pageSize: 1_001, pageToken: "x".repeat(65) },
    [
      NO_ORDER,
      ["page_size", "must be greater than or equal to 0 and less than or equal to 1000, was 1001"],
      ["page_token", tooLong(64)],
    ],
  ],
  [
    "listStatusHistory",
    { orderId, pageSize: -1 },
    [["page_size", "must be greater than or equal to 0 and less than or equal to 1000, was -1"]],
  ],
  ["explainOrder", {}, [NO_ORDER]],
];

/** Rules for missing fields, and for requests without legacy counterpart. */
export function queryValidationTests(api: ContractApi): void {
  const call = (rpc: UnaryRpc, request: object) => (api.client[rpc] as (request: object) => Promise<unknown>)(request);

  describe("a missing or invalid field is INVALID_ARGUMENT", () => {
    test.each(CASES)("%s %o", async (rpc, request, violations) => {
      expect(await failure(call(rpc, request))).toEqual(invalid(violations));
    });
  });

  test.each([
    ["\0", "U+0000"],
    ["\x1b", "U+001B"],
    ["\n", "U+000A"],
    ["\u202e", "U+202E"],
    ["\u2066", "U+2066"],
  ])("a text with %j is INVALID_ARGUMENT, and the report not made", async (character, code) => {
    const order = await insertOrder(api.db, OrderStatus.CREATED);
    const report = { orderId: order, status: OrderStatus.PAID, operator, remark: `a${character}b` };
    const description = `must not contain control characters or bidirectional formatting, contains ${code} at position 2`;

    expect(await failure(api.client.updateOrderStatus(report))).toEqual(invalid([["remark", description]]));
    const { results } = await api.client.batchUpdateOrderStatus({ updates: [report, { ...report, remark: "a b" }] });
    expect(results.map(({ result }) => result.case)).toEqual(["error", "response"]);
    expect(await historyOf(api.db, order)).toMatchObject([{ remark: "a b" }]);
  });

  test("violations are truncated to what fits a header", async () => {
    const { details, message } = await failure(api.client.batchGetOrderStatus({ orderIds: Array(1_000).fill(0n) }));

    const { fieldViolations } = details.BadRequest as { fieldViolations: { field: string; description: string }[] };
    expect(fieldViolations[0]).toEqual({
      field: "order_ids[0]",
      description: "must be greater than 0, was 0",
      reason: "",
    });
    expect(fieldViolations.at(-1)?.description).toMatch(/^… and \d+ more$/);
    expect(fieldViolations.length).toBeGreaterThan(20);
    expect(JSON.stringify(details).length).toBeLessThan(6_000);
    expect(message.length).toBeLessThan(700);
  });
}
