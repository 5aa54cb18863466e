import { describe, expect, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { failure } from "../../support/failures.ts";
import { historyOf, insertOrder } from "../../support/orders.ts";
import type { LegacyRpcs } from "../legacy/rpcs.ts";
import { invalid, type LegacyContractApi, tooLong, tooLongAndMasked, type Violation } from "./api.ts";

const orderId = 1n;
const operator = "x";
const long = (length: number) => "x".repeat(length);
const NO_ORDER: Violation = ["order_id", "must be greater than 0, was 0"];
const LONG_OPERATOR: Violation = ["operator", tooLong(64)];

const CASES: readonly (readonly [rpc: keyof LegacyRpcs, request: object, violations: readonly Violation[]])[] = [
  [
    "pauseForCancel",
    { orderId: -5n, operator: long(65) },
    [["order_id", "must be greater than 0, was -5"], LONG_OPERATOR],
  ],
  ["pauseForRejection", { orderId, operator: long(65) }, [LONG_OPERATOR]],
  ["pauseForRejection", { orderId: 0n, operator }, [NO_ORDER]],
  ["returnOrder", { orderId, operator: long(65) }, [LONG_OPERATOR]],
  ["returnOrder", { orderId: 0n, operator }, [NO_ORDER]],
  ["setOrderPause", { orderId, paused: true, operator: long(65) }, [LONG_OPERATOR]],
  [
    "setOrderPause",
    { orderId: 0n, paused: true, operator, reason: long(513) },
    [NO_ORDER, ["reason", tooLongAndMasked(512)]],
  ],
  ["getPaymentStatus", { orderId: 0n }, [NO_ORDER]],
  [
    "cancelOrder",
    { orderId: 0n, operator: long(65), reason: long(513), requestId: long(129) },
    [NO_ORDER, LONG_OPERATOR, ["reason", tooLongAndMasked(512)], ["request_id", tooLong(128)]],
  ],
  ["getOrderStatus", { orderId: 0n }, [NO_ORDER]],
  [
    "updateOrderStatus",
    {
      orderId: 0n,
      status: OrderStatus.PAID,
      operator: long(65),
      requestId: long(129),
    },
    [NO_ORDER, ["request_id", tooLong(128)], LONG_OPERATOR],
  ],
  // A case of its own: a legacy answer carries its reason in a header of limited length.
  [
    "updateOrderStatus",
    { orderId: 1n, status: OrderStatus.PAID, operator, remark: long(513), occurTime: { seconds: -1n, nanos: 0 } },
    [
      [
        "occur_time",
        "must be greater than or equal to 1970-01-01T00:00:00Z and less than 9999-12-31T23:59:59Z, was -1 seconds since 1970",
      ],
      ["remark", tooLongAndMasked(512)],
    ],
  ],
  ["checkPayable", { orderId: 0n }, [NO_ORDER]],
  ["getMaxSubOrderStatus", { rootOrderId: 0n }, [["root_order_id", "must be greater than 0, was 0"]]],
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
      ["order_ids[1]", "must be greater than 0, was 0"],
      ["order_ids[3]", "must be greater than 0, was -7"],
      ["invoice_title", "must be at most 256 characters, was *** (257 characters)"],
      ["invoice_content", tooLongAndMasked(512)],
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
    { orderId, deliveryId: long(65), deliveryCompany: long(129), waybillNo: long(65), operator: long(65) },
    [["delivery_id", tooLong(64)], ["delivery_company", tooLong(128)], ["waybill_no", tooLong(64)], LONG_OPERATOR],
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
      ["lines[1].sku_id", "must be greater than 0, was 0"],
      ["lines[1].quantity", "must be greater than or equal to 0, was -1"],
      LONG_OPERATOR,
    ],
  ],
];

/** The rules of the contract: errors name the field, the rule and the value. */
export function validationTests(api: LegacyContractApi): void {
  const call = (rpc: keyof LegacyRpcs, request: object) =>
    (api.client[rpc] as (request: object) => Promise<unknown>)(request);

  describe("an invalid field is INVALID_ARGUMENT", () => {
    test.each(CASES)("%s %o", async (rpc, request, violations) => {
      expect(await failure(call(rpc, request))).toEqual(api.failure(invalid(violations)));
    });
  });

  test("the message names the fields too", async () => {
    expect(await failure(api.client.getOrderStatus({ orderId: -3n }))).toEqual(
      api.failure(invalid([["order_id", "must be greater than 0, was -3"]])),
    );
  });

  test("text in any script fits into a header, truncated within a character or not", async () => {
    const { code, message } = await failure(
      api.client.pauseForCancel({ orderId, operator: `${"a".repeat(63)}${"🧧药".repeat(2_000)}` }),
    );

    expect(code).toBe("InvalidArgument");
    expect(message).toBe(`operator: must be at most 64 characters, was "${"a".repeat(63)}🧧"… (4063 characters)`);
  });

  describe("oms-caller", () => {
    test("is the caller in the history", async () => {
      const order = await insertOrder(api.db, 1000);
      const update = { orderId: order, status: OrderStatus.PAID, operator };
      await api.client.updateOrderStatus(update, { headers: { "oms-caller": "pay service" } });

      expect(await historyOf(api.db, order)).toMatchObject([{ caller: "pay service" }]);
    });

    test("longer than 64 characters is INVALID_ARGUMENT", async () => {
      const headers = { "oms-caller": "x".repeat(65) };

      expect(await failure(api.client.getOrderStatus({ orderId }, { headers }))).toEqual(
        api.failure(invalid([["oms-caller", "must be 1 to 64 printable ASCII characters, was 65 characters"]])),
      );
    });
  });
}
