import { describe, expect, test } from "vitest";
import { nearest } from "../../../src/lib/nearest.ts";

const FIELDS = ["action", "messageIds", "filter", "errorContains", "operator", "reason", "validateOnly", "paused"];

describe("nearest", () => {
  test.each([
    ["validateonly", "validateOnly"],
    ["validate_only", "validateOnly"],
    ["isPause", "paused"],
    ["error", "errorContains"],
    ["messageIDs", "messageIds"],
    ["mesageids", "messageIds"],
    ["opertor", "operator"],
  ])("%s means %s", (name, meant) => {
    expect(nearest(name, FIELDS)).toBe(meant);
  });

  test.each(["dryRun", "", "_", "zz", "x".repeat(10_000), "错误"])("%j means none", (name) => {
    expect(nearest(name, FIELDS)).toBeUndefined();
  });

  test("an abbreviation means the shortest name that begins or ends with it", () => {
    expect(nearest("PAID", ["ORDER_STATUS_UNSPECIFIED", "ORDER_STATUS_NOT_PAID", "ORDER_STATUS_PAID"])).toBe(
      "ORDER_STATUS_PAID",
    );
  });

  test("without known names there is none", () => {
    expect(nearest("paused", [])).toBeUndefined();
  });
});
