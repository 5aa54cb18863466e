import { expect, test } from "vitest";
import {
  firstPhase,
  formatReplayToken,
  parseReplayToken,
  phaseAfter,
  type ReplayCursor,
} from "../../../../src/application/action-admin/replay-cursor.ts";
import type { ActionInfo } from "../../../../src/application/deps.ts";

const action = (kind: ActionInfo["kind"]) => ({ name: "x", kind, subjects: [], matches: () => true }) as ActionInfo;

function phases(kind: ActionInfo["kind"], ofPeriod: boolean): string[] {
  const found: string[] = [];
  let cursor: ReplayCursor | undefined = firstPhase(action(kind), ofPeriod);
  while (cursor !== undefined) {
    found.push(cursor.phase);
    cursor = phaseAfter(action(kind), ofPeriod, cursor);
  }
  return found;
}

test("the phases of a replay", () => {
  expect(phases("effect", true)).toEqual(["retrying", "pending", "parked", "discarded", "history"]);
  expect(phases("timer", true)).toEqual(["retrying", "parked", "discarded"]);
  expect(phases("effect", false)).toEqual(["orders"]);
});

test.each<ReplayCursor>([
  { phase: "parked" },
  { phase: "history", id: 123_456_789_012_345_678n },
  { phase: "retrying", id: 7n, due: new Date(1_700_000_000_123) },
])("a token restores the cursor %o", (cursor) => {
  expect(parseReplayToken(action("effect"), true, formatReplayToken(cursor))).toEqual(cursor);
});

test.each(["", "x", "orders::", "parked:-1:", "parked:1", "parked:1:2:3", "parked:1234567890123456789:"])(
  "the token %o is invalid",
  (token) => {
    expect(() => parseReplayToken(action("effect"), true, token)).toThrow("page_token");
  },
);

test("a timer's token has no phase that timers skip", () => {
  expect(() => parseReplayToken(action("timer"), true, "history:1:")).toThrow("page_token");
});
