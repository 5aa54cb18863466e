import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STATES } from "../../../../src/domain/state-machine.ts";
import { LEGACY_METHODS } from "../../../../src/transport/legacy/methods.ts";
import {
  type Parameter,
  type ParameterKind,
  parseParameters,
  withLegacyName,
} from "../../../../src/transport/legacy/parameters.ts";

const parameter = (kind: ParameterKind, more: Partial<Parameter> = {}): Parameter => ({
  name: "p",
  kind,
  field: "f",
  description: "",
  ...more,
});

const read = (kind: ParameterKind, ...texts: readonly string[]) =>
  parseParameters([parameter(kind)], new Map([["p", texts]]));

const time = (text: string) => timestampFromDate(new Date(text));
const line = (skuId: bigint, quantity: number) => ({ skuId, quantity });

const WHOLE_64 = "must be a whole number of up to 64 bits";
const SKUS = 'must be a list like 7:2,8:0 (SKU:quantity), or JSON like [{"skuId":7,"deliveryNum":2}]';
const TIME = "must be an existing time with its zone, like 2024-05-01T08:30:00+08:00";
const STATUS = `must be one of ${STATES.map(({ code }) => code).join(", ")}`;

describe("valid values", () => {
  test.each<[ParameterKind, readonly string[], unknown]>([
    ["id", ["171203044"], 171203044n],
    ["id", [" +171203044\t"], 171203044n],
    ["id", ["0"], 0n],
    ["id", ["-5"], -5n],
    ["id", ["007"], 7n],
    ["id", ["9007199254740993"], 9_007_199_254_740_993n],
    ["id", ["9223372036854775807"], 2n ** 63n - 1n],
    ["id", ["", "7"], 7n],
    ["status", ["1010"], 1010],
    ["status", [" 9001 "], 9001],
    ["flag", ["1"], true],
    ["flag", ["0"], false],
    ["flag", ["TRUE"], true],
    ["flag", [" false "], false],
    ["text", ["  as it is "], "  as it is "],
    ["text", ["药🧧"], "药🧧"],
    ["time", ["2024-05-01T08:30:00+08:00"], time("2024-05-01T00:30:00Z")],
    ["time", ["2024-05-01T08:30Z"], time("2024-05-01T08:30:00Z")],
    ["time", ["2024-02-29T23:59:59.123456789Z"], time("2024-02-29T23:59:59.123Z")],
    ["ids", ["1,2"], [1n, 2n]],
    ["ids", ["1, 2 ,,3,"], [1n, 2n, 3n]],
    ["ids", ["1,2", "3"], [1n, 2n, 3n]],
    ["ids", [","], []],
    ["lines", ["7:2,8:0"], [line(7n, 2), line(8n, 0)]],
    ["lines", ["7:2", "8:0"], [line(7n, 2), line(8n, 0)]],
    ["lines", [" 7 : 2 , "], [line(7n, 2)]],
    ["lines", ['[{"skuId":7,"deliveryNum":2},{"skuId":"8","deliveryNum":"0"}]'], [line(7n, 2), line(8n, 0)]],
    ["lines", ['{"skuId":9007199254740993,"deliveryNum":2}'], [line(9_007_199_254_740_993n, 2)]],
    ["lines", ["[]"], []],
  ])("%s %j", (kind, texts, value) => {
    expect(read(kind, ...texts)).toEqual({ fields: { f: value }, violations: [] });
  });
});

describe("invalid values, with what is expected", () => {
  test.each<[ParameterKind, readonly string[], string]>([
    ["id", ["abc"], WHOLE_64],
    ["id", [" "], WHOLE_64],
    ["id", ["1.0"], WHOLE_64],
    ["id", ["1e3"], WHOLE_64],
    ["id", ["0x10"], WHOLE_64],
    ["id", ["1,2"], WHOLE_64],
    ["id", ["٣"], WHOLE_64],
    ["id", ["9223372036854775808"], WHOLE_64],
    ["id", ["-9223372036854775808"], WHOLE_64],
    ["id", ["null"], WHOLE_64],
    ["id", ["1", "2"], "must be given once"],
    ["id", ["1", "1"], "must be given once"],
    ["status", ["0"], STATUS],
    ["status", ["1234"], STATUS],
    ["status", ["PAID"], STATUS],
    ["status", ["01010"], STATUS],
    ["status", ["1010", "1020"], "must be given once"],
    ["flag", ["2"], "must be 1 or 0"],
    ["flag", ["yes"], "must be 1 or 0"],
    ["flag", ["1", "0"], "must be given once"],
    ["time", ["2024-05-01"], TIME],
    ["time", ["2024-05-01T08:30:00"], TIME],
    ["time", ["2024-05-01 08:30:00+08:00"], TIME],
    ["time", ["2024-02-30T08:30:00Z"], TIME],
    ["time", ["2024-13-01T08:30:00Z"], TIME],
    ["time", ["2024-05-01T25:00:00Z"], TIME],
    ["time", ["2024-05-01T24:00:00Z"], TIME],
    ["time", ["1714523400000"], TIME],
    ["ids", ["1,x"], WHOLE_64],
    ["ids", ["1 2"], WHOLE_64],
    ["lines", ["7=2"], SKUS],
    ["lines", ["7"], SKUS],
    ["lines", ["7:"], SKUS],
    ["lines", ["7:2:1"], SKUS],
    ["lines", ["7:2147483648"], SKUS],
    ["lines", ['[{"skuId":7}]'], SKUS],
    ["lines", ['[{"skuId":{"toString":1,"valueOf":1},"deliveryNum":2}]'], SKUS],
    ["lines", ["[null]"], SKUS],
    ["lines", ["[[1,2]]"], SKUS],
    ["lines", ["[7:2]"], SKUS],
    ["lines", ['[{"skuId":9007199254740993.0,"deliveryNum":2}]'], SKUS],
  ])("%s %j", (kind, texts, right) => {
    const { fields, violations } = read(kind, ...texts);

    expect(fields).toEqual({});
    expect(violations).toEqual([{ field: "p", description: expect.stringMatching(/, was "/) }]);
    expect(violations[0]?.description.startsWith(`${right}, was `)).toBe(true);
  });

  test.each<[string, ParameterKind, readonly string[], string]>([
    ["a text is masked, as it may be personal data", "text", ["a", "bc"], "must be given once, was *** (4 characters)"],
    ["half a character", "text", ["\ud83e"], "must be text without halves of characters, was *** (1 characters)"],
    [
      "a mail address in another parameter is masked",
      "flag",
      ["li@example.com"],
      "must be 1 or 0, was *** (14 characters)",
    ],
    ["a long value is truncated", "id", ["1".repeat(70)], `${WHOLE_64}, was "${"1".repeat(64)}"… (70 characters)`],
    ["quotes and control characters", "flag", ['"\n'], String.raw`must be 1 or 0, was "\"\n"`],
    ["several", "id", ["1", "2"], 'must be given once, was "1,2"'],
  ])("%s", (_name, kind, texts, description) => {
    expect(read(kind, ...texts).violations).toEqual([{ field: "p", description }]);
  });
});

describe("all parameters of a call", () => {
  const parameters = [
    parameter("id", { name: "orderId", aliases: ["order", "oid"], field: "orderId", required: true }),
    parameter("text", { name: "remark", field: "remark" }),
  ];

  test.each<[string, Record<string, string[]>, object]>([
    ["by name", { orderId: ["5"] }, { orderId: 5n }],
    ["by alias", { oid: ["5"] }, { orderId: 5n }],
    ["by several names with one value", { oid: ["5"], order: [""], orderId: ["5"] }, { orderId: 5n }],
    ["an empty value falls back to an alias", { orderId: [""], order: ["6"] }, { orderId: 6n }],
    ["an empty value is absent", { orderId: ["5"], remark: [""] }, { orderId: 5n }],
    ["an unknown parameter is ignored", { orderId: ["5"], x: ["y"] }, { orderId: 5n }],
  ])("%s", (_name, given, fields) => {
    expect(parseParameters(parameters, new Map(Object.entries(given)))).toEqual({ fields, violations: [] });
  });

  test("several names with different values are rejected", () => {
    const given = new Map([
      ["oid", ["7"]],
      ["orderId", ["5"]],
    ]);
    expect(parseParameters(parameters, given)).toEqual({
      fields: {},
      violations: [{ field: "orderId", description: "must be given once, has different values in orderId and oid" }],
    });
  });

  test("all violations are reported, each with its parameter's name", () => {
    expect(parseParameters(parameters, new Map([["remark", ["a", "b"]]])).violations).toEqual([
      { field: "orderId", description: "is required, and was not given" },
      { field: "remark", description: "must be given once, was *** (3 characters)" },
    ]);
    expect(parseParameters(parameters, new Map([["oid", ["x"]]])).violations).toEqual([
      { field: "orderId", description: `${WHOLE_64}, was "x"` },
    ]);
  });
});

test.each([
  ["updateOrderInvoiceStatus", "order_ids[3]", "orders[3]"],
  ["updateOrderInvoiceStatus", "tax_payer_code", "taxCode"],
  ["getSubOrderMaxStatus", "root_order_id", "orderId"],
  ["recordSkuDeliveryNum", "lines[1].sku_id", "skus[1].sku_id"],
  ["updateOrderStatus", "expected_version", "expected_version"],
  ["updateOrderStatus", "oms-caller", "oms-caller"],
  ["updateOrderStatus", "", ""],
])("%s: a violation of %s is reported for %s", (name, field, legacyName) => {
  const method = LEGACY_METHODS.find((one) => one.name === name) as (typeof LEGACY_METHODS)[number];

  const violation = { field, description: "x" };
  expect(withLegacyName(method.parameters, method.rpc.input, violation)).toEqual({
    field: legacyName,
    description: "x",
  });
});

test("each parameter sets a field of its RPC's request and has a unique name", () => {
  for (const { name, parameters, rpc } of LEGACY_METHODS) {
    const fields = rpc.input.fields.map(({ localName }) => localName);
    expect(fields, name).toEqual(expect.arrayContaining(parameters.map(({ field }) => field)));
    const names = parameters.flatMap((one) => [one.name, ...(one.aliases ?? [])]);
    expect(new Set(names).size, name).toBe(names.length);
  }
});

test("no input throws; each parameter has a value, a violation or neither", () => {
  const anyText = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.bigInt().map(String),
    fc.constantFrom("", ",", ":", "[", "{", "[{}]", '{"skuId":[{"toString":null}],"deliveryNum":{}}', "\ud800", "-0"),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...LEGACY_METHODS),
      fc.infiniteStream(fc.array(anyText, { maxLength: 3 })),
      (method, texts) => {
        const names = method.parameters.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
        const given = new Map(names.map((name) => [name, texts.next().value as string[]]));
        const { fields, violations } = parseParameters(method.parameters, given);
        for (const { name, field } of method.parameters) {
          const outcomes = Number(field in fields) + violations.filter((violation) => violation.field === name).length;
          expect(outcomes).toBeLessThanOrEqual(1);
        }
        for (const { description } of violations) {
          expect(description.isWellFormed()).toBe(true);
          expect(description.length).toBeLessThan(500);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});
