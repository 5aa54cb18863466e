import { describe, expect, test } from "vitest";
import {
  findDuplicateName,
  parseLosslessJson,
  readExactIntegers,
} from "../../../../src/transport/wire/lossless-json.ts";

describe("parseLosslessJson", () => {
  test.each<[string, unknown]>([
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["-9223372036854775808", -9223372036854775808n],
    ['{"orderId":9007199254740993}', { orderId: 9007199254740993n }],
    ['{"orderIds":[1, 9007199254740993,9007199254740995]}', { orderIds: [1, 9007199254740993n, 9007199254740995n] }],
    ['{"orderId":\n9007199254740993}', { orderId: 9007199254740993n }],
    ["1e30", "1e30"],
    ["[1E30]", ["1E30"]],
    ["9007199254740993.0", "9007199254740993.0"],
    ["1e3", 1000],
    ['"9007199254740993"', "9007199254740993"],
    ['{"a":"1: 9007199254740993"}', { a: "1: 9007199254740993" }],
    ["null", null],
  ])("%s", (text, value) => {
    expect(parseLosslessJson(text)).toEqual(value);
  });

  test("invalid JSON is undefined", () => {
    expect(parseLosslessJson("{")).toBeUndefined();
  });
});

describe("readExactIntegers", () => {
  test("integers are exact, other notations stay numbers", () => {
    expect(readExactIntegers("[1,9007199254740993,1e30]")).toEqual([1, 9007199254740993n, 1e30]);
  });

  test("invalid JSON is an error", () => {
    expect(() => readExactIntegers("{")).toThrow(SyntaxError);
  });
});

describe("findDuplicateName", () => {
  test.each<[string, string | undefined]>([
    ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}', undefined],
    ['{"a":1,"a":1}', "a"],
    ['{"a":{"b":1,"c":2,"b":3}}', "b"],
    ['[{"a":1},{"x":1,"a":2,"x":3}]', "x"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['{"":1,"":2}', ""],
    ['{"a:b":":{\\"c\\":1","c":"\\\\"}', undefined],
    ['{"a\\\\":1,"a":"\\",\\"a\\":"}', undefined],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['{"__proto__":1,"b":2}', undefined],
    ["[1,null,{}]", undefined],
    ['"a:b"', undefined],
  ])("%s: %j", (text, name) => {
    expect(findDuplicateName(text, JSON.parse(text))).toBe(name);
  });

  test("deep nesting and long strings", () => {
    const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
    expect(findDuplicateName(deep, JSON.parse(deep))).toBeUndefined();
    const long = JSON.stringify({ a: '"\\'.repeat(1_000_000), b: ":" });
    expect(findDuplicateName(long, JSON.parse(long))).toBeUndefined();
  });
});
