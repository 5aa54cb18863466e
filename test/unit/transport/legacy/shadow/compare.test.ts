import { describe, expect, test } from "vitest";
import { compareAnswers, type Difference } from "../../../../../src/transport/legacy/shadow/compare.ts";

const SHOWN = new Set(["result", "message", "orderId", "orderStatus", "returnId", "orderSource", "orderSourceName"]);

type Found = [field: string, kind: Difference["kind"], ours: string, theirs: string];

function compare(ours: string, theirs: string, shown: ReadonlySet<string> = SHOWN, statuses = [200, 200]): Found[] {
  const [one, other] = statuses as [number, number];
  return compareAnswers({ status: one, text: ours }, { status: other, text: theirs }, shown).map(
    (difference): Found => [difference.field, difference.kind, difference.ours, difference.theirs],
  );
}

describe("JSON answers", () => {
  test.each<[what: string, ours: string, theirs: string, found: Found[]]>([
    ["the same", '{"result":1,"orderId":171203044}', '{"result":1,"orderId":171203044}', []],
    ["white space", '{"result":1,"orderSources":[1,2]}', '{ "result": 1,\n "orderSources": [1, 2] }\n', []],
    ["escapes", '{"message":"已付款"}', '{"message":"\\u5df2\\u4ed8\\u6b3e"}', []],
    ["a value", '{"orderStatus":3010}', '{"orderStatus":3020}', [["orderStatus", "value", "3010", "3020"]]],
    ["a text", '{"message":"a"}', '{"message":"b"}', [["message", "value", '"a"', '"b"']]],
    ["a type", '{"result":1}', '{"result":"1"}', [["result", "type", "1", '"1"']]],
    ["null", '{"message":""}', '{"message":null}', [["message", "type", '""', "null"]]],
    ["true and 1", '{"result":true}', '{"result":1}', [["result", "type", "true", "1"]]],
    [
      "ids beyond 2^53",
      '{"orderId":9007199254740993}',
      '{"orderId":9007199254740992}',
      [["orderId", "value", "9007199254740993", "9007199254740992"]],
    ],
    ["an id that is the same beyond 2^53", '{"orderId":9223372036854775807}', '{"orderId":9223372036854775807}', []],
    ["two notations of a fraction", '{"result":1.5}', '{"result":1.50}', []],
    ["an integer with a decimal point", '{"result":1}', '{"result":1.0}', [["result", "value", "1", "1.0"]]],
    ["beyond the range of numbers", '{"result":1e999}', '{"result":2e999}', [["result", "value", "1e999", "2e999"]]],
    ["missing", '{"result":1}', '{"result":1,"returnId":12}', [["returnId", "missing", "", "12"]]],
    ["added", '{"result":1,"returnId":12}', '{"result":1}', [["returnId", "added", "12", ""]]],
    ["two failures with different messages", '{"result":0,"message":"a"}', '{"result":0,"message":"b"}', []],
    [
      "a failure and an answer",
      '{"result":0,"message":"a"}',
      '{"result":1,"message":"b"}',
      [
        ["result", "value", "0", "1"],
        ["message", "value", '"a"', '"b"'],
      ],
    ],
    [
      "key order",
      '{"result":1,"orderId":2}',
      '{"orderId":2,"result":1}',
      [["(key order)", "value", "result, orderId", "orderId, result"]],
    ],
    [
      "key order in a nested object",
      '{"result":1,"orderSources":[{"orderSource":1,"orderSourceName":"a"}]}',
      '{"result":1,"orderSources":[{"orderSourceName":"a","orderSource":1}]}',
      [["orderSources[].(key order)", "value", "[0] orderSource, orderSourceName", "[0] orderSourceName, orderSource"]],
    ],
    [
      "different keys: their order is not compared",
      '{"result":1,"orderId":2}',
      '{"orderId":2,"returnId":3}',
      [
        ["result", "added", "1", ""],
        ["returnId", "missing", "", "3"],
      ],
    ],
    [
      "in a list",
      '{"orderSources":[{"orderSource":1,"orderSourceName":"a"},{"orderSource":2,"orderSourceName":"b"}]}',
      '{"orderSources":[{"orderSource":1,"orderSourceName":"a"},{"orderSource":2,"orderSourceName":"c"}]}',
      [["orderSources[].orderSourceName", "value", '[1] "b"', '[1] "c"']],
    ],
    [
      "a list in a list",
      '{"orderId":[[1],[2,3]]}',
      '{"orderId":[[1],[2,4]]}',
      [["orderId[][]", "value", "[1][1] 3", "[1][1] 4"]],
    ],
    [
      "lists of different lengths",
      '{"orderSources":[{"orderSource":2}]}',
      '{"orderSources":[{"orderSource":1},{"orderSource":2}]}',
      [["orderSources[].(length)", "value", "1", "2"]],
    ],
    [
      "a list as the answer",
      "[1,2]",
      "[2,1]",
      [
        ["[]", "value", "[0] *** (1 character)", "[0] *** (1 character)"],
        ["[]", "value", "[1] *** (1 character)", "[1] *** (1 character)"],
      ],
    ],
    [
      "objects and lists are shown by their size",
      '{"orderId":1,"result":[]}',
      '{"orderId":{"phone":"13800138000"},"result":{}}',
      [
        ["orderId", "type", "1", "{1 field}"],
        ["result", "type", "[0 items]", "{0 fields}"],
      ],
    ],
  ])("%s", (_what, ours, theirs, found) => {
    expect(compare(ours, theirs)).toEqual(found);
  });

  test("values of unknown fields are masked, on both sides, however deep", () => {
    expect(
      compare(
        '{"result":1,"buyer":{"phone":"1"},"note":null}',
        '{"result":1,"buyer":{"phone":"13800138000"},"note":"x","name":"王芳"}',
      ),
    ).toEqual([
      ["buyer.phone", "value", "*** (1 character)", "*** (11 characters)"],
      ["note", "type", "null", "*** (1 character)"],
      ["name", "missing", "", "*** (2 characters)"],
    ]);
  });

  test("field names that may be data are masked", () => {
    expect(compare('{"result":1}', '{"result":1,"13800138000":1,"王芳":2}')).toEqual([
      ["(odd name)", "missing", "", "*** (1 character)"],
      ["(odd name)", "missing", "", "*** (1 character)"],
    ]);
  });

  test("a field named __proto__ is an ordinary field", () => {
    expect(compare("{}", '{"__proto__":{"result":1}}')).toEqual([["__proto__", "missing", "", "{1 field}"]]);
  });

  test("long values and paths are truncated between characters", () => {
    const [[, , ours = "", theirs = ""] = []] = compare(
      JSON.stringify({ message: `${"x".repeat(118)}😀😀` }),
      JSON.stringify({ message: "y".repeat(500) }),
    );
    expect([ours.length, theirs.length]).toEqual([120, 120]);
    expect(ours.isWellFormed()).toBe(true);
    expect(theirs).toBe(`"${"y".repeat(118)}…`);
    const deep = `${'{"orderId":'.repeat(40)}1${"}".repeat(40)}`;
    const [[field = ""] = []] = compare(deep, deep.replace("1", "2"));
    expect(field).toHaveLength(128);
  });

  test("reports at most 50 differences per answer", () => {
    const list = (value: number) => JSON.stringify({ orderId: Array(200).fill(value) });
    expect(compare(list(1), list(2))).toHaveLength(50);
  });
});

describe("other answers", () => {
  test.each<[what: string, ours: string, theirs: string, found: Found[]]>([
    ["the same text", "ok", "ok", []],
    [
      "another text, masked",
      "true",
      "王芳 13800138000",
      [["(text)", "value", "*** (4 characters)", "*** (14 characters)"]],
    ],
    ["a bare number is text", "1", "1.0", [["(text)", "value", "*** (1 character)", "*** (3 characters)"]]],
    ["JSON and text", '{"result":1}', "<html>", [["(form)", "type", "JSON", "text"]]],
    ["text and JSON", "1", '{"result":1}', [["(form)", "type", "text", "JSON"]]],
    ["truncated JSON is text", '{"result":1}', '{"result":', [["(form)", "type", "JSON", "text"]]],
  ])("%s", (_what, ours, theirs, found) => {
    expect(compare(ours, theirs)).toEqual(found);
  });

  test("text is shown if it is known not to be personal data", () => {
    expect(compare("1", "2", new Set(["(text)"]))).toEqual([["(text)", "value", "1", "2"]]);
  });

  test("an HTTP status is compared in addition to the bodies", () => {
    expect(compare('{"result":1}', '{"result":0}', SHOWN, [200, 404])).toEqual([
      ["(http status)", "value", "200", "404"],
      ["result", "value", "1", "0"],
    ]);
    expect(compare("", "", SHOWN, [200, 204])).toEqual([["(http status)", "value", "200", "204"]]);
  });
});
