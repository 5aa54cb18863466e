import { describe, expect, test } from "vitest";
import { type Candidate, evaluateClaim } from "../../../../src/store/ledger/evaluate-claim.ts";

const NOW = new Date("2024-05-01T12:00:00Z");
const later = (ms: number) => new Date(NOW.getTime() + ms);

/** An entry that is due and was never attempted. */
function candidate(changes: Partial<Candidate> = {}): Candidate {
  return {
    id: 1n,
    state: "PENDING",
    started: 0,
    finished: 0,
    nextAttemptTime: later(-1),
    earlier: undefined,
    ...changes,
  };
}

const evaluate = (changes: Partial<Candidate> = {}) => evaluateClaim(candidate(changes), NOW, 6);

test.each([
  ["DONE", "done"],
  ["DISCARDED", "done"],
  ["PARKED", "later"],
  ["PENDING", "run"],
  ["RETRYING", "run"],
] as const)("an entry in state %s: %s", (state, kind) => {
  expect(evaluate({ state })).toEqual({ kind });
});

describe("due time", () => {
  test("a first attempt does not wait for it", () => {
    expect(evaluate({ nextAttemptTime: later(60_000) })).toEqual({ kind: "run" });
  });

  test("a lease or a back-off is waited for", () => {
    expect(evaluate({ started: 1, nextAttemptTime: later(1) })).toEqual({ kind: "later" });
    expect(evaluate({ started: 1, finished: 1, nextAttemptTime: later(1) })).toEqual({ kind: "later" });
    expect(evaluate({ started: 1, finished: 1, nextAttemptTime: NOW })).toEqual({ kind: "run" });
  });
});

describe("an earlier open event of the order", () => {
  test("defers until that one is retried", () => {
    expect(evaluate({ earlier: later(60_000) })).toEqual({ kind: "wait", until: later(60_000) });
  });

  test("defers for a minimum time", () => {
    expect(evaluate({ earlier: later(-60_000) })).toEqual({ kind: "wait", until: later(250) });
  });
});

test.each([
  [1, { kind: "run" }],
  [2, { kind: "suspect", maxConcurrentSuspects: 16 }],
  [3, { kind: "suspect", maxConcurrentSuspects: 4 }],
  [4, { kind: "suspect", maxConcurrentSuspects: 1 }],
  [5, { kind: "suspect", maxConcurrentSuspects: 1 }],
  [6, { kind: "poison" }],
])("%i attempts in a row that started and never ended", (unfinished, expected) => {
  expect(evaluate({ started: unfinished + 3, finished: 3 })).toEqual(expected);
});
