import { type DescMessage, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ListOrderFlowsRequestSchema } from "../../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { DiscardParkedRequestSchema } from "../../../../gen/oms/operations/v1/action_service_pb.ts";
import * as pb from "../../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OperationError } from "../../../../src/application/errors.ts";
import { decodeJson, type UnknownFields } from "../../../../src/transport/wire/strict-json.ts";

function read(schema: DescMessage, json: unknown, unknownFields: UnknownFields = "reject"): unknown {
  const text = typeof json === "string" ? json : JSON.stringify(json);
  return toJson(schema, decodeJson(schema, Buffer.from(text), unknownFields));
}

function violationsOf(schema: DescMessage, json: unknown, unknownFields?: UnknownFields) {
  try {
    read(schema, json, unknownFields);
  } catch (error) {
    expect(error).toBeInstanceOf(OperationError);
    expect(error).toMatchObject({ kind: "invalid" });
    return (error as OperationError).fieldViolations.map(({ field, description }) => [field, description]);
  }
  return [];
}

const UPDATE = pb.UpdateOrderStatusRequestSchema;

describe("understood", () => {
  test.each<[string, DescMessage, unknown, unknown]>([
    [
      "both names of a field",
      UPDATE,
      { orderId: 5, request_id: "r", validateOnly: true },
      { orderId: "5", requestId: "r", validateOnly: true },
    ],
    ["int64 beyond 2^53 as a number", UPDATE, '{"orderId":9007199254740993}', { orderId: "9007199254740993" }],
    ["int64 as text", UPDATE, { orderId: "9007199254740993" }, { orderId: "9007199254740993" }],
    ["the greatest int64", UPDATE, '{"orderId":9223372036854775807}', { orderId: "9223372036854775807" }],
    [
      "int64 in a list",
      pb.BatchGetOrderStatusRequestSchema,
      '{"orderIds":[9007199254740993,"2"]}',
      {
        orderIds: ["9007199254740993", "2"],
      },
    ],
    [
      "int64 as a map's value",
      pb.WatchOrderStatusRequestSchema,
      '{"afterVersions":{"7":9007199254740993}}',
      {
        afterVersions: { "7": "9007199254740993" },
      },
    ],
    ["an integer with exponent", UPDATE, '{"orderId":1e3}', { orderId: "1000" }],
    ["int32 as text", ListOrderFlowsRequestSchema, { pageSize: "5" }, { pageSize: 5 }],
    ["an enum's name", UPDATE, { status: "ORDER_STATUS_PAID" }, { status: "ORDER_STATUS_PAID" }],
    ["an enum's number", UPDATE, { status: 1010 }, { status: "ORDER_STATUS_PAID" }],
    ["a time", UPDATE, { occurTime: "2024-02-29T08:30:00.5+08:00" }, { occurTime: "2024-02-29T00:30:00.500Z" }],
    ["null as the default value", UPDATE, { orderId: null, occurTime: null, status: null }, {}],
    ["an empty object", UPDATE, {}, {}],
    ["a byte order mark", UPDATE, "\ufeff{}", {}],
  ])("%s", (_name, schema, json, message) => {
    expect(read(schema, json)).toEqual(message);
  });
});

describe("not understood", () => {
  test.each<[string, DescMessage, unknown, [string, string][]]>([
    [
      "a misspelt field",
      UPDATE,
      { validateonly: true },
      [["validateonly", "is not a field of UpdateOrderStatusRequest: did you mean validateOnly?"]],
    ],
    [
      "in the style of the given name",
      UPDATE,
      { validat_only: true },
      [["validat_only", "is not a field of UpdateOrderStatusRequest: did you mean validate_only?"]],
    ],
    [
      "an unknown field like no other",
      pb.GetOrderStatusRequestSchema,
      { zzz: 1 },
      [["zzz", "is not a field of GetOrderStatusRequest, which has orderId"]],
    ],
    [
      "a field of a request without fields",
      pb.ListOrderSourcesRequestSchema,
      { x: 1 },
      [["x", "is not a field of ListOrderSourcesRequest, which has none"]],
    ],
    [
      "several, also in inner messages",
      DiscardParkedRequestSchema,
      { action: "e-invoice", filter: { errorcontains: "x" }, dryRun: true, operator: 5 },
      [
        ["filter.errorcontains", "is not a field of EntryFilter: did you mean errorContains?"],
        [
          "dryRun",
          "is not a field of DiscardParkedRequest, which has action, messageIds, reason, operator, filter, validateOnly, pageToken, all",
        ],
        ["operator", "must be a string without halves of characters, was 5"],
      ],
    ],
    [
      "in a list",
      pb.BatchUpdateOrderStatusRequestSchema,
      { updates: [{ orderId: 1 }, { orderId: 1, state: "PAID" }, null] },
      [
        ["updates[1].state", "is not a field of UpdateOrderStatusRequest: did you mean status?"],
        ["updates[2]", "must be a JSON object, was null"],
      ],
    ],
    [
      "an unknown enum name",
      UPDATE,
      { status: "PAID" },
      [["status", '"PAID" is not a value of OrderStatus: did you mean ORDER_STATUS_PAID?']],
    ],
    [
      "an enum's number as text",
      UPDATE,
      { status: "1010" },
      [["status", '"1010" is not a value of OrderStatus: did you mean ORDER_STATUS_PAID?']],
    ],
    [
      "an enum name like no other",
      ListOrderFlowsRequestSchema,
      { state: "X1" },
      [["state", expect.stringMatching(/^must be one of FLOW_STATE_WAITING, .*, was "X1"$/) as unknown as string]],
    ],
    [
      "more than 64 bits",
      UPDATE,
      '{"orderId":9223372036854775808}',
      [["order_id", "must be a whole number of up to 64 bits, was 9223372036854775808"]],
    ],
    [
      "digits that a number does not hold",
      UPDATE,
      '{"orderId":9007199254740993.5}',
      [
        [
          "order_id",
          "must be a whole number of up to 64 bits, was a number with a point, an exponent or too many digits",
        ],
      ],
    ],
    ["a fraction", UPDATE, { orderId: 1.5 }, [["order_id", "must be a whole number of up to 64 bits, was 1.5"]]],
    ["no number", UPDATE, { orderId: "five" }, [["order_id", 'must be a whole number of up to 64 bits, was "five"']]],
    [
      "more than 32 bits",
      ListOrderFlowsRequestSchema,
      { pageSize: 2 ** 31 },
      [["page_size", "must be a whole number of up to 32 bits, was 2147483648"]],
    ],
    ["a number for a flag", UPDATE, { validateOnly: 1 }, [["validate_only", "must be true or false, was 1"]]],
    ...[
      ["30 February", "2024-02-30T08:30:00Z"],
      ["a time without seconds", "2024-05-01T08:30Z"],
      ["a time before the year 1", "0001-01-01T00:00:00+01:00"],
      ["a time after the year 9999", "9999-12-31T23:59:59-01:00"],
    ].map(([name = "", occurTime = ""]): [string, DescMessage, unknown, [string, string][]] => [
      name,
      UPDATE,
      { occurTime },
      [["occur_time", `must be an existing time with its zone, like 2024-05-01T08:30:00+08:00, was "${occurTime}"`]],
    ]),
    [
      "an object for a list",
      pb.BatchGetOrderStatusRequestSchema,
      { orderIds: {} },
      [["order_ids", "must be a list, was a JSON object"]],
    ],
    ["a list for an object", UPDATE, [1], [["", "must be a JSON object, was a list of 1"]]],
    ["a repeated field", UPDATE, '{"orderId":1,"orderId":2}', [["orderId", "must be given once"]]],
    [
      "a field by both names",
      UPDATE,
      { orderId: 1, order_id: 2 },
      [
        ["orderId", "must be given once, was also given as order_id"],
        ["order_id", "must be given once, was also given as orderId"],
      ],
    ],
    [
      "half a character",
      UPDATE,
      '{"operator":"\\ud83e"}',
      [["operator", 'must be a string without halves of characters, was "\\ud83e"']],
    ],
    [
      "personal data is masked",
      pb.MarkInvoicesPrintedRequestSchema,
      { invoiceEmail: 13_800_000_000 },
      [["invoice_email", "must be a string without halves of characters, was *** (11 characters)"]],
    ],
  ])("%s", (_name, schema, json, violations) => {
    expect(violationsOf(schema, json)).toEqual(violations);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["no JSON", Buffer.from("orderId=5"), /^malformed oms\.\S+Request: Unexpected token 'o' in JSON$/],
    ["an empty body", Buffer.of(), /^malformed oms\.\S+Request: Unexpected end of JSON input$/],
    ["cut off", Buffer.from('{"orderId":5'), /^malformed oms\.\S+Request: .* in JSON at position 12/],
    ["invalid UTF-8", Buffer.from('{"operator":"\xe9"}', "latin1"), /^malformed oms\.\S+Request: invalid UTF-8$/],
    ["text of a caller", Buffer.from("a@example.com"), /^((?!example).)*$/],
  ])("%s: one violation without a field", (_name, bytes, description) => {
    expect(() => decodeJson(UPDATE, bytes, "reject")).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(description),
        fieldViolations: [{ field: "", description: expect.stringMatching(description) }],
      }),
    );
  });
});

describe("many mistakes", () => {
  test("the check stops after 16, in little time", () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `validateOnly${index}`);
    const begin = performance.now();
    expect(violationsOf(UPDATE, Object.fromEntries(names.map((name) => [name, 1])))).toHaveLength(16);
    expect(violationsOf(pb.BatchGetOrderStatusRequestSchema, { orderIds: Array(900).fill("x") })).toHaveLength(16);
    expect(violationsOf(UPDATE, { ["x".repeat(1_000_000)]: 1 })).toHaveLength(1);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });

  test("the items of a list or map that is too long are not looked at", () => {
    const ids = Array(100_000).fill("x");
    expect(violationsOf(pb.BatchGetOrderStatusRequestSchema, { orderIds: ids })).toEqual([
      ["order_ids", "must contain no more than 1000 item(s), was 100000 items"],
    ]);
    expect(violationsOf(pb.WatchOrderStatusRequestSchema, { afterVersions: { ...ids } })).toEqual([
      ["after_versions", "must contain no more than 1000 item(s), was 100000 items"],
    ]);
  });

  test("deep nesting", () => {
    const deep = `${"[".repeat(100_000)}9007199254740993${"]".repeat(100_000)}`;
    expect(violationsOf(UPDATE, deep)).toHaveLength(1);
    expect(violationsOf(UPDATE, `{"remark":${"[".repeat(100_000)}${"]".repeat(100_000)}}`)).toHaveLength(1);
  });
});

describe("unknown fields ignored", () => {
  test("unknown fields are dropped at any depth", () => {
    const json = { orderId: 5, state: { orderId: 1, x: [{ y: 2 }] } };
    expect(read(UPDATE, json, "ignore")).toEqual({ orderId: "5" });
    expect(read(DiscardParkedRequestSchema, { filter: { error: "x" } }, "ignore")).toEqual({ filter: {} });
  });

  test("each is reported once with its path; a key that is no name of a field without it", () => {
    const report = { orderId: "9007199254740993", note: 1, "13800138077": 1, 王: 1, ["x".repeat(65)]: 1 };
    const json = Buffer.from(JSON.stringify({ updates: [report, report], Extra: {} }).replace(/"(\d{16})"/g, "$1"));
    const ignored: string[] = [];
    decodeJson(pb.BatchUpdateOrderStatusRequestSchema, json, "ignore", (field) => ignored.push(field));
    expect(ignored).toEqual(["updates.note", "(other)", "Extra"]);
  });

  test("the number of reported fields of a request is limited", () => {
    const fields = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x${index}`, 1]));
    const ignored: string[] = [];
    decodeJson(UPDATE, Buffer.from(JSON.stringify(fields)), "ignore", (field) => ignored.push(field));
    expect(ignored).toHaveLength(16);
  });

  test.each<[unknown, string]>([
    [{ status: "PAID" }, "status"],
    [{ occurTime: "2024-02-30T00:00:00Z" }, "occur_time"],
    ['{"x":{"y":1,"y":2}}', "y"],
  ])("%j is still rejected", (json, field) => {
    expect(violationsOf(UPDATE, json, "ignore")).toEqual([[field, expect.any(String)]]);
  });
});
