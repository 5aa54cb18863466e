import { describe, expect, test } from "vitest";
import { OrderStatus, OrderStatusSchema } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type { OrderStatusClient } from "../../support/clients.ts";
import { failure } from "../answers.ts";
import { insertOrder } from "../orders.ts";
import type { SuiteContext } from "./context.ts";

type UnaryRpc = Exclude<keyof OrderStatusClient, "watchOrderStatus">;
type Case = readonly [
  rpc: UnaryRpc,
  request: object,
  faults: readonly (readonly [field: string, description: string])[],
];

const GREATER_THAN_0 = "must be greater than 0";
const orderId = 1n;
const operator = "x";
const long = (length: number) => "x".repeat(length);
const tooLong = (max: number) => `must be at most ${max} characters, was "${long(64)}"… (${max + 1} characters)`;

const NO_ORDER = ["order_id", `${GREATER_THAN_0}, was 0`] as const;
const NO_OPERATOR = ["operator", 'must be at least 1 characters, was ""'] as const;
const LONG_OPERATOR = ["operator", tooLong(64)] as const;
const STATES = `must be one of ${OrderStatusSchema.values
  .filter(({ number }) => number > 0)
  .map(({ name }) => name)
  .join(", ")}`;

const CASES: readonly Case[] = [
  ["pauseForCancel", {}, [NO_ORDER, NO_OPERATOR]],
  ["pauseForCancel", { orderId: -5n, operator: long(65) }, [["order_id", `${GREATER_THAN_0}, was -5`], LONG_OPERATOR]],
  ["pauseForRejection", {}, [NO_ORDER, NO_OPERATOR]],
  ["pauseForRejection", { orderId, operator: long(65) }, [LONG_OPERATOR]],
  ["returnOrder", {}, [NO_ORDER, NO_OPERATOR]],
  ["returnOrder", { orderId, operator: long(65) }, [LONG_OPERATOR]],
  ["setOrderPause", { reason: long(513) }, [NO_ORDER, ["reason", tooLong(512)], NO_OPERATOR]],
  ["setOrderPause", { orderId, operator: long(65) }, [LONG_OPERATOR]],
  ["getPaymentStatus", {}, [NO_ORDER]],
  [
    "cancelOrder",
    { reason: long(513), requestId: long(129) },
    [NO_ORDER, NO_OPERATOR, ["reason", tooLong(512)], ["request_id", tooLong(128)]],
  ],
  ["cancelOrder", { orderId, operator: long(65) }, [LONG_OPERATOR]],
  ["getOrderStatus", {}, [NO_ORDER]],
  [
    "updateOrderStatus",
    { requestId: long(129), remark: long(513), expectedVersion: -1n },
    [
      NO_ORDER,
      ["status", `${STATES}, was ORDER_STATUS_UNSPECIFIED (0)`],
      ["request_id", tooLong(128)],
      NO_OPERATOR,
      ["remark", tooLong(512)],
      ["expected_version", "must be greater than or equal to 0, was -1"],
    ],
  ],
  [
    "updateOrderStatus",
    { orderId, operator: long(65), status: 1234, occurTime: { seconds: -1n } },
    [
      ["status", `${STATES}, was 1234`],
      LONG_OPERATOR,
      [
        "occur_time",
        "must be greater than or equal to 1970-01-01T00:00:00Z and less than 9999-12-31T23:59:59Z, was -1 seconds since 1970",
      ],
    ],
  ],
  ["checkPayable", {}, [NO_ORDER]],
  ["getMaxSubOrderStatus", {}, [["root_order_id", `${GREATER_THAN_0}, was 0`]]],
  ["markInvoicesPrinted", {}, [["order_ids", "must contain at least 1 item(s), was 0 items"]]],
  [
    "markInvoicesPrinted",
    {
      orderIds: [1n, 0n, 2n, -7n],
      invoiceTitle: long(257),
      invoiceContent: long(513),
      taxPayerCode: long(65),
      invoiceEmail: "li at example.com",
    },
    [
      ["order_ids[1]", `${GREATER_THAN_0}, was 0`],
      ["order_ids[3]", `${GREATER_THAN_0}, was -7`],
      ["invoice_title", "must be at most 256 characters, was *** (257 characters)"],
      ["invoice_content", tooLong(512)],
      ["tax_payer_code", "must be at most 64 characters, was *** (65 characters)"],
      ["invoice_email", "must be a valid email address, was *** (17 characters)"],
    ],
  ],
  [
    "markInvoicesPrinted",
    { orderIds: Array(1_001).fill(1n) },
    [["order_ids", "must contain no more than 1000 item(s), was 1001 items"]],
  ],
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
  [
    "updateDeliveryInfo",
    { orderId, deliveryId: long(65), deliveryCompany: long(129), waybillNo: long(65), operator: long(65) },
    [["delivery_id", tooLong(64)], ["delivery_company", tooLong(128)], ["waybill_no", tooLong(64)], LONG_OPERATOR],
  ],
  [
    "recordShippedQuantities",
    { requestId: long(129) },
    [NO_ORDER, ["lines", "must contain at least 1 item(s), was 0 items"], ["request_id", tooLong(128)], NO_OPERATOR],
  ],
  [
    "recordShippedQuantities",
    {
      orderId,
      operator: long(65),
      lines: [
        { skuId: 7n, quantity: 1 },
        { skuId: 0n, quantity: -1 },
        { skuId: 7n, quantity: 1 },
      ],
    },
    [
      ["lines", "each sku_id may stand in one line only, was 3 items"],
      ["lines[1].sku_id", `${GREATER_THAN_0}, was 0`],
      ["lines[1].quantity", "must be greater than or equal to 0, was -1"],
      LONG_OPERATOR,
    ],
  ],
  ["batchUpdateOrderStatus", {}, [["updates", "must contain at least 1 item(s), was 0 items"]]],
  [
    "batchUpdateOrderStatus",
    { updates: Array(1_001).fill({ orderId, operator, status: OrderStatus.PAID }) },
    [["updates", "must contain no more than 1000 item(s), was 1001 items"]],
  ],
  ["batchGetOrderStatus", {}, [["order_ids", "must contain at least 1 item(s), was 0 items"]]],
  ["batchGetOrderStatus", { orderIds: [1n, -1n] }, [["order_ids[1]", `${GREATER_THAN_0}, was -1`]]],
  [
    "batchGetOrderStatus",
    { orderIds: Array(1_001).fill(1n) },
    [["order_ids", "must contain no more than 1000 item(s), was 1001 items"]],
  ],
  [
    "listStatusHistory",
    { pageSize: 1_001, pageToken: long(65) },
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

/** Every rule of the contract, with the field, what was there and what would be right. */
export function validationTests(it: SuiteContext): void {
  const call = (rpc: UnaryRpc, request: object) => (it.client[rpc] as (request: object) => Promise<unknown>)(request);

  describe("a field that breaks its rule is INVALID_ARGUMENT", () => {
    test.each(CASES)("%s %o", async (rpc, request, faults) => {
      const { code, details } = await failure(call(rpc, request));

      expect([code, details]).toEqual([
        "InvalidArgument",
        {
          BadRequest: { fieldViolations: faults.map(([field, description]) => ({ field, description, reason: "" })) },
        },
      ]);
    });
  });

  test("the message names the fields as well", async () => {
    expect((await failure(it.client.getOrderStatus({ orderId: -3n }))).message).toBe(
      "order_id: must be greater than 0, was -3",
    );
  });

  test("many faults are told as far as a header carries them", async () => {
    const { details, message } = await failure(it.client.batchGetOrderStatus({ orderIds: Array(1_000).fill(0n) }));

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

  test("text in any script, cut in the middle of a character or not, fits into a header", async () => {
    const { code, message } = await failure(
      it.client.pauseForCancel({ orderId, operator: `${"a".repeat(63)}${"🧧药".repeat(2_000)}` }),
    );

    expect(code).toBe("InvalidArgument");
    expect(message).toBe(`operator: must be at most 64 characters, was "${"a".repeat(63)}🧧"… (4063 characters)`);
  });

  describe("oms-caller", () => {
    test("names the caller in the history", async () => {
      const order = await insertOrder(it.db, 1000);
      const update = { orderId: order, status: OrderStatus.PAID, operator };
      await it.client.updateOrderStatus(update, { headers: { "oms-caller": "pay service" } });

      const { entries } = await it.client.listStatusHistory({ orderId: order });
      expect(entries.map(({ caller }) => caller)).toEqual(["pay service"]);
    });

    test("of more than 64 characters is INVALID_ARGUMENT", async () => {
      const description = "must be 1 to 64 printable ASCII characters, was 65";
      const headers = { "oms-caller": "x".repeat(65) };

      expect(await failure(it.client.getOrderStatus({ orderId }, { headers }))).toEqual({
        code: "InvalidArgument",
        message: `oms-caller: ${description}`,
        details: { BadRequest: { fieldViolations: [{ field: "oms-caller", description, reason: "" }] } },
      });
    });
  });
}
