import { describe, expect, test } from "vitest";
import {
  type Params,
  paramsFromForm,
  paramsFromJson,
  paramsFromQuery,
} from "../../../../src/transport/legacy/params.ts";
import { paramText, parseLosslessJson, stringifyLosslessJson } from "../../../../src/transport/wire/lossless-json.ts";

const plain = (given: Params | undefined) => given && Object.fromEntries(given);

describe("paramsFromQuery", () => {
  test.each<[string, Record<string, string[]>]>([
    ["", {}],
    ["a=1&b=2", { a: ["1"], b: ["2"] }],
    ["a=1&a=2", { a: ["1", "2"] }],
    ["a&b=", { a: [""], b: [""] }],
    ["a=x=y&b=w?z", { a: ["x=y"], b: ["w?z"] }],
    ["a=%E8%8D%AF+1%2B1", { a: ["药 1+1"] }],
    ["__proto__=1", Object.fromEntries([["__proto__", ["1"]]])],
    ["&&=&", { "": [""] }],
  ])("%s", (text, given) => {
    expect(plain(paramsFromQuery(text))).toEqual(given);
  });
});

describe("paramsFromForm", () => {
  test.each<[string, string, Record<string, string[]>]>([
    ["utf-8", "a=1&a=2&b=", { a: ["1", "2"], b: [""] }],
    ["utf-8", "a=%E8%8D%AF+1%2B1=2&b=50%", { a: ["药 1+1=2"], b: ["50%"] }],
    ["gbk", "title=%C9%CC%C6%B7+1", { title: ["商品 1"] }],
    // As Python encodes it: an ASCII byte is not escaped.
    ["gbk", "title=%8AJ&x=%81\\", { title: ["奐"], x: ["乗"] }],
    ["gbk", "title=商品%C9%CC", { title: ["商品商"] }],
    ["utf-16le", "a=%E8%8D%AF", { a: ["药"] }],
    ["utf-8", "", {}],
  ])("%s: %s", (charset, text, given) => {
    expect(plain(paramsFromForm(text, charset))).toEqual(given);
  });
});

test("more than 5,000 parameters or values are rejected before they are parsed", () => {
  expect(paramsFromForm("a&".repeat(4_999), "gbk").get("a")).toHaveLength(4_999);
  expect(() => paramsFromForm("a&".repeat(5_001), "gbk")).toThrow("the form has more than 5000 parameters");
  expect(paramsFromJson(`{"a":[${"1,".repeat(4_900)}1]}`)?.get("a")).toHaveLength(4_901);
  expect(() => paramsFromJson(`{"a":[${"1,".repeat(5_000)}1]}`)).toThrow("the body has more than 5000 values");
});

describe("paramsFromJson", () => {
  test.each<[string, Record<string, string[]>]>([
    ["{}", {}],
    ['{"a":1,"b":"2","c":true,"d":null}', { a: ["1"], b: ["2"], c: ["true"], d: [] }],
    ['{"a":9007199254740993,"b":-9007199254740993}', { a: ["9007199254740993"], b: ["-9007199254740993"] }],
    [
      '{"a":9007199254740993.0,"b":1e400,"c":12e2,"d":1.5}',
      { a: ["9007199254740993.0"], b: ["1e400"], c: ["1200"], d: ["1.5"] },
    ],
    ['{"a":[1,"2",null,9007199254740993]}', { a: ["1", "2", "9007199254740993"] }],
    ['{"a":[{"x":9007199254740993}],"b":{"y":[]}}', { a: ['{"x":9007199254740993}'], b: ['{"y":[]}'] }],
    ['{"a":[[1,2]]}', { a: ["[1,2]"] }],
    ['{"a":""}', { a: [""] }],
    [' {"a":1}\n', { a: ["1"] }],
  ])("%s", (text, given) => {
    expect(plain(paramsFromJson(text))).toEqual(given);
  });

  test.each([
    ['{"a":1,"a":2}', "a: must be given once"],
    [String.raw`{"b":0,"a":1,"\u0061":1}`, "a: must be given once"],
    ['{"l":[{"a":1},{"a":1,"a":1}]}', "a: must be given once"],
    [
      String.raw`{"\u202e${"x".repeat(500)}":1,"\u202e${"x".repeat(500)}":1}`,
      /^\\u202ex{194}… \(506 characters\): must/,
    ],
  ])("%s is rejected", (text, message) => {
    expect(() => paramsFromJson(text)).toThrow(message);
  });

  test.each(["", "[]", "[1]", "1", '"x"', "null", "{", "{'a':1}", '{"a":1,}', "a=1", `{"a":${"[".repeat(4_000)}`])(
    "%s is not an object",
    (text) => {
      expect(paramsFromJson(text)).toBeUndefined();
    },
  );
});

describe("lossless JSON", () => {
  test.each([
    '{"id":9007199254740993,"n":5,"big":123456789012345678901234567890}',
    "[-9007199254740993,0.1,true,null]",
  ])("%s round-trips", (text) => {
    expect(stringifyLosslessJson(parseLosslessJson(text) as object)).toBe(text);
  });

  test("text with the escapes that JSON requires", () => {
    expect(stringifyLosslessJson({ a: 'x"\n\u0001药🧧', b: undefined, c: 2n ** 64n })).toBe(
      '{"a":"x\\"\\n\\u0001药🧧","c":18446744073709551616}',
    );
  });

  test.each<[unknown, string]>([
    [5, "5"],
    [5n, "5"],
    ["x", "x"],
    [null, "null"],
    [undefined, "undefined"],
    [{ toString: 1 }, '{"toString":1}'],
  ])("%o as a parameter is %s", (value, text) => {
    expect(paramText(value)).toBe(text);
  });
});
