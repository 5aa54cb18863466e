import { expect, test } from "vitest";
import { findKnownRequest, knownKeys, requestKey } from "../../../../src/store/orders/request-answers.ts";

const of = (requestNamespace: string, requestId: string) => ({ requestNamespace, requestId });

test("the key of a request has its caller, if authenticated", () => {
  expect(requestKey(of("", "1"))).toBe("1");
  expect(requestKey({ requestId: "1" })).toBe("1");
  expect(requestKey(of("pay", "1"))).toBe("pay\n1");
  expect(requestKey(of("pay", ""))).toBe("");
  expect(requestKey(of("pay", "wms\n1"))).not.toBe(requestKey(of("wms", "1")));
});

test("the key of the longest request id fits the column, and differs from others", () => {
  const caller = "x".repeat(64);
  const ids = ["😀".repeat(128), `${"😀".repeat(127)}😁`];
  const keys = ids.map((requestId) => requestKey(of(caller, requestId)));
  expect(keys.every((key) => Buffer.byteLength(key) <= 512)).toBe(true);
  expect(new Set(keys).size).toBe(2);
});

test("a request under the id alone is known if its content is the same", () => {
  const [own, former] = [
    { digest: Buffer.of(1), answer: "own" },
    { digest: Buffer.of(2), answer: "former" },
  ];
  const find = (digest: number, rows: Record<string, typeof own>) =>
    findKnownRequest(of("pay", "1"), Buffer.of(digest), (key) => rows[key])?.answer;
  expect(knownKeys(of("pay", "1"))).toEqual(["pay\n1", "1"]);
  expect(find(3, { "pay\n1": own, "1": former })).toBe("own");
  expect(find(2, { "1": former })).toBe("former");
  expect(find(3, { "1": former })).toBeUndefined();
  expect(find(3, {})).toBeUndefined();
});
