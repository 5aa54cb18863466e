import { timestampDate } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { parseLimit, parseOrderId, parseOrderRange, parseServer, parseTime } from "../../../../tools/cli/args.ts";
import { clean, formatAge, formatDue } from "../../../../tools/cli/format.ts";

const NOW = Date.parse("2026-11-24T08:00:00Z");
const at = (iso: string) => ({
  $typeName: "google.protobuf.Timestamp" as const,
  seconds: BigInt(Date.parse(iso)) / 1000n,
  nanos: 0,
});

describe("parseTime", () => {
  test.each([
    ["45s", "2026-11-24T07:59:15.000Z"],
    ["30m", "2026-11-24T07:30:00.000Z"],
    ["2h", "2026-11-24T06:00:00.000Z"],
    ["3d", "2026-11-21T08:00:00.000Z"],
    ["1w", "2026-11-17T08:00:00.000Z"],
    ["now", "2026-11-24T08:00:00.000Z"],
    ["2026-11-24T07:00:00Z", "2026-11-24T07:00:00.000Z"],
    ["2026-11-24T07:00:00.250+08:00", "2026-11-23T23:00:00.250Z"],
    ["2026-11-24", new Date(2026, 10, 24).toISOString()],
    ["2026-11-24 07:30", new Date(2026, 10, 24, 7, 30).toISOString()],
  ])("%s", (text, expected) => {
    expect(timestampDate(parseTime(text, NOW)).toISOString()).toBe(expected);
  });

  test.each([
    "",
    "2",
    "2 hours",
    "h",
    "-2h",
    "yesterday",
    "2026",
    "2026-13-01",
    "2026-02-30",
    "2026-02-30T07:00:00Z",
    "2026-11-24T24:00",
    "24.11.2026",
    "07:00",
  ])("rejects %s", (text) => {
    expect(() => parseTime(text, NOW)).toThrow(/It must be an age/);
  });

  test("formatAge", () => {
    const ages = [
      "2026-11-24T08:00:03Z",
      "2026-11-24T07:59:15Z",
      "2026-11-24T07:30:00Z",
      "2026-11-23T08:00:00Z",
      "2026-11-20T08:00:00Z",
    ];
    expect(ages.map((iso) => formatAge(at(iso), NOW))).toEqual(["0 s", "45 s", "30 min", "24 h", "4 d"]);
    expect(formatAge(undefined, NOW)).toBe("");
  });

  test("formatDue", () => {
    const dues = ["2026-11-24T07:00:00Z", "2026-11-24T08:00:12Z", "2026-11-24T08:05:00Z"];
    expect(dues.map((iso) => formatDue(at(iso), NOW))).toEqual(["now", "in 12 s", "in 5 min"]);
  });
});

describe("parseOrderRange", () => {
  test.each([
    ["100-200", 100n, 200n],
    ["100-", 100n, 0n],
    ["-200", 0n, 200n],
    ["100", 100n, 100n],
  ])("%s", (text, firstOrderId, lastOrderId) => {
    expect(parseOrderRange(text)).toEqual({ firstOrderId, lastOrderId });
  });

  test.each(["", "-", "a-b", "1-2-3", "0", "200-100", "1 - 2"])("rejects %s", (text) => {
    expect(() => parseOrderRange(text)).toThrow();
  });
});

test.each(["0", "-1", "1.5", "abc", "", "9223372036854775808", "1e3"])("parseOrderId rejects %s", (text) => {
  expect(() => parseOrderId(text)).toThrow(/greater than 0/);
});
test("parseOrderId accepts the maximum", () => {
  expect(parseOrderId("9223372036854775807")).toBe(2n ** 63n - 1n);
});
test.each(["0", "-5", "ten", "1.5"])("parseLimit rejects %s", (text) => {
  expect(() => parseLimit(text)).toThrow();
});
test.each(["localhost", "http://localhost:50051", ":50051", "a b:1"])("parseServer rejects %s", (text) => {
  expect(() => parseServer(text)).toThrow(/HOST:PORT/);
});
test.each(["localhost:50051", "[::1]:50051", "10.0.0.7:1"])("parseServer accepts %s", (text) => {
  expect(parseServer(text)).toBe(text);
});

test("clean removes control and bidi characters", () => {
  expect(clean("no\u001b[2J such\r\n\tmailbox\u202e x\u0007 ")).toBe("no [2J such mailbox x");
});
