import { create, type DescMessage, toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { SubmitOrderRequestSchema } from "../../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import {
  BatchGetOrderStatusRequestSchema,
  BatchUpdateOrderStatusRequestSchema,
  GetOrderStatusRequestSchema,
  RecordShippedQuantitiesRequestSchema,
  WatchOrderStatusRequestSchema,
} from "../../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { SERVICES } from "../../../../src/transport/handlers/index.ts";
import { assertJsonSize, assertListSizes, requestLimits } from "../../../../src/transport/wire/request-limits.ts";
import { assertValid } from "../../../../src/transport/wire/validation.ts";

const countFields = (schema: DescMessage, bytes: Uint8Array) => assertListSizes(schema, bytes, requestLimits(schema));

const ID = 9_007_199_254_740_993n;
const ids = (count: number) => Array.from({ length: count }, (_, index) => ID + BigInt(index));

const LARGEST = [
  [BatchGetOrderStatusRequestSchema, create(BatchGetOrderStatusRequestSchema, { orderIds: ids(1_000) })],
  [
    SubmitOrderRequestSchema,
    create(SubmitOrderRequestSchema, {
      orderSource: 1_025,
      orderType: 1,
      lines: ids(1_000).map((skuId) => ({ skuId, quantity: 1_000_000, warehouseId: ID })),
      rechargeAccount: "说".repeat(128),
    }),
  ],
  [
    RecordShippedQuantitiesRequestSchema,
    create(RecordShippedQuantitiesRequestSchema, {
      orderId: ID,
      operator: "x",
      lines: ids(1_000).map((skuId) => ({ skuId, quantity: 2_147_483_647 })),
    }),
  ],
] as const;

test.each(LARGEST.map(([schema, message]) => [schema.name, schema, message] as const))(
  "the largest valid %s is within its limits",
  (_name, schema, message) => {
    const limits = requestLimits(schema);
    const json = Buffer.from(toJsonString(schema as never, message as never));
    expect(json.length).toBeLessThan(limits.maxBytes);
    expect(() => assertValid(schema, message)).not.toThrow();
    expect(() => assertJsonSize(schema, json, limits)).not.toThrow();
    expect(() => countFields(schema, toBinary(schema as never, message as never))).not.toThrow();
  },
);

test("requests are small by default, larger for lists", () => {
  const sizes = SERVICES.flatMap(({ methods }) => methods.map(({ input }) => requestLimits(input).maxBytes));
  expect(requestLimits(GetOrderStatusRequestSchema).maxBytes).toBe(16_384);
  expect(requestLimits(BatchGetOrderStatusRequestSchema).maxBytes).toBeLessThan(64 * 1024);
  expect(Math.max(...sizes)).toBe(1024 * 1024);
});

describe("lists are counted without decoding them", () => {
  const tooMany = (description: string) =>
    expect.objectContaining({ fieldViolations: [expect.objectContaining({ description })] });

  test("packed, unpacked and mixed", () => {
    const packed = toBinary(
      BatchGetOrderStatusRequestSchema,
      create(BatchGetOrderStatusRequestSchema, { orderIds: ids(600) }),
    );
    const single = Buffer.alloc(2 * 401, Buffer.from([8, 1]));
    expect(() => countFields(BatchGetOrderStatusRequestSchema, packed)).not.toThrow();
    expect(() => countFields(BatchGetOrderStatusRequestSchema, Buffer.concat([packed, single]))).toThrow(
      tooMany("must contain no more than 1000 item(s), was 1001 items"),
    );
  });

  test("messages", () => {
    expect(() => countFields(BatchUpdateOrderStatusRequestSchema, Buffer.alloc(2_002, Buffer.from([10, 0])))).toThrow(
      tooMany("must contain no more than 1000 item(s), was 1001 items"),
    );
  });

  test("a map by its entries", () => {
    const afterVersions = Object.fromEntries(ids(1_000).map((id) => [String(id), ID]));
    const watch = create(WatchOrderStatusRequestSchema, { rootOrderId: ID, afterVersions });
    expect(() =>
      countFields(WatchOrderStatusRequestSchema, toBinary(WatchOrderStatusRequestSchema, watch)),
    ).not.toThrow();
    const more = { ...watch, afterVersions: { ...afterVersions, "1": 1n } };
    expect(() => countFields(WatchOrderStatusRequestSchema, toBinary(WatchOrderStatusRequestSchema, more))).toThrow(
      tooMany("must contain no more than 1000 item(s), was 1001 items"),
    );
  });

  test.each([
    ["in the message", GetOrderStatusRequestSchema, Buffer.alloc(4_000, Buffer.from([0x78, 0]))],
    [
      "in a message of a list",
      BatchUpdateOrderStatusRequestSchema,
      Buffer.concat([Buffer.from([10, 0xc0, 0xcf, 0x24]), Buffer.alloc(600_000, Buffer.from([0x78, 0]))]),
    ],
  ])("more fields than a valid message has, known or not: %s", (_name, schema, bytes) => {
    expect(() => countFields(schema, bytes)).toThrow(/more than \d+ fields/);
  });

  test.each([
    ["a length beyond the end", [10, 100]],
    ["half a tag", [128]],
  ])("malformed bytes do not hang: %s", (_name, bytes) => {
    try {
      countFields(BatchGetOrderStatusRequestSchema, Uint8Array.from(bytes));
    } catch (error) {
      expect(error).toMatchObject({ kind: "invalid" });
    }
  });
});

describe("values in JSON are counted without parsing it", () => {
  const schema = BatchGetOrderStatusRequestSchema;
  const count = (json: string) => () => assertJsonSize(schema, Buffer.from(json), { maxBytes: 0, maxValues: 5 });

  test.each(['{"orderIds":["1","2"]}', '{"a":",,,,,,,,,,"}', String.raw`{"a":"\",,,,,,,\"{{{{{"}`])("%s", (json) => {
    expect(count(json)).not.toThrow();
  });

  test.each(['{"orderIds":[1,2,3,4]}', "[[[[[[", '"\\\\",,,,,,'])("more than the limit: %s", (json) => {
    expect(count(json)).toThrow("more than 5 values");
  });
});

test("a rule on duplicates takes linear time, and violations are bounded", () => {
  const lines = ids(1_000).map((skuId) => ({ skuId, quantity: -1 }));
  const message = create(RecordShippedQuantitiesRequestSchema, { orderId: 1n, operator: "x", lines });
  let error: unknown;
  try {
    assertValid(RecordShippedQuantitiesRequestSchema, message);
  } catch (caught) {
    error = caught;
  }
  expect(error).toMatchObject({ fieldViolations: { length: 33 } });
  expect((error as Error).message).toMatch(/… and 968 more$/);
});
