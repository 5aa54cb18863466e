import { expect, test, vi } from "vitest";
import { readCrashPoint } from "../../../src/config/test-hooks.ts";

test("without the variable there is no crash point", () => {
  expect(readCrashPoint({})).toBeUndefined();
  expect(readCrashPoint({ OMS_CRASH_AT: "" })).toBeUndefined();
});

test.each([
  ["after-commit", [["after-commit"]]],
  [
    "before-effect",
    [
      ["before-effect", "e-invoice:7-1"],
      ["before-effect", "e-invoice:7-2"],
    ],
  ],
  ["before-effect:e-invoice:7-1", [["before-effect", "e-invoice:7-1"]]],
])("OMS_CRASH_AT=%s kills the process at %j", (OMS_CRASH_AT, expected) => {
  const kill = vi.spyOn(process, "kill").mockReturnValue(true);
  const crashPoint = readCrashPoint({ OMS_CRASH_AT });
  const killedAt = [
    ["before-commit"],
    ["after-commit"],
    ["before-effect", "e-invoice:7-1"],
    ["before-effect", "e-invoice:7-2"],
  ].filter(([name = "", event]) => {
    kill.mockClear();
    crashPoint?.(name, event);
    return kill.mock.calls.length > 0;
  });
  kill.mockRestore();
  expect(killedAt).toEqual(expected);
});

test("an unknown point is rejected", () => {
  expect(() => readCrashPoint({ OMS_CRASH_AT: "somewhere" })).toThrow(
    'OMS_CRASH_AT="somewhere" is invalid: expected one of after-status-write, before-commit',
  );
});
