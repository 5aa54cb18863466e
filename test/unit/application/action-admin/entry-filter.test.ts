import { expect, test } from "vitest";
import {
  describeFilter,
  describeList,
  type EntryFilter,
  matchesFilter,
} from "../../../../src/application/action-admin/entry-filter.ts";
import type { ActionEntry } from "../../../../src/store/reads/action-entries.ts";

const ALL: EntryFilter = {
  errorContains: "",
  fromTime: undefined,
  toTime: undefined,
  firstOrderId: 0n,
  lastOrderId: 0n,
};
const TIME = new Date("2024-05-01T12:00:00Z");
const ENTRY = { lastError: "Answered 503", firstTime: TIME, orderId: 100n } as ActionEntry;

test.each<[string, Partial<EntryFilter>, boolean]>([
  ["no condition", {}, true],
  ["a part of the error, case-insensitive", { errorContains: "answered 5" }, true],
  ["another error", { errorContains: "answered 4" }, false],
  ["committed at the start", { fromTime: TIME }, true],
  ["committed at the end", { toTime: TIME }, false],
  ["the first order", { firstOrderId: 100n }, true],
  ["an order before the first", { firstOrderId: 101n }, false],
  ["the last order", { lastOrderId: 100n }, true],
  ["an order after the last", { lastOrderId: 99n }, false],
])("%s: %o matches: %s", (_, changes, expected) => {
  expect(matchesFilter({ ...ALL, ...changes })(ENTRY)).toBe(expected);
});

test("a filter is described by its conditions", () => {
  expect(describeFilter(ALL)).toBe("all");
  expect(
    describeFilter({ errorContains: "503", fromTime: TIME, toTime: TIME, firstOrderId: 1n, lastOrderId: 9n }),
  ).toBe(
    'the error contains "503", committed at 2024-05-01T12:00:00.000Z or later, committed before 2024-05-01T12:00:00.000Z, ' +
      "orders from 1 on, orders up to 9",
  );
});

test("a long list is shortened", () => {
  expect(describeList("events", [1, 2])).toBe("events 1, 2");
  expect(describeList("events", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])).toBe(
    "events 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more",
  );
});
