import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { DueLoop } from "../../../../src/messaging/runner/due-loop.ts";
import { createPausedActions } from "../../../../src/messaging/runner/paused-actions.ts";
import { createLogger } from "../../../../src/observability/log.ts";
import type { DueRequest, Ledger, LedgerState } from "../../../../src/store/ledger/index.ts";

const POLL_MS = 200;
const MAX_MS = 2_000;
const log = createLogger("silent");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A due loop on a ledger in memory; times are milliseconds from its start. */
function startLoop() {
  const start = Date.now();
  const due = new Map<string, number>();
  let paused: LedgerState["paused"] = new Set();
  const polls: number[] = [];
  const claims: (readonly [time: number, actions: string])[] = [];
  const elapsed = () => Date.now() - start;
  let wake: (at: Date | undefined) => void = () => {};
  const ledger: Pick<Ledger, "state" | "claimDue" | "onDue" | "now"> = {
    now: () => new Date(),
    onDue: (listener) => {
      wake = listener;
    },
    async state() {
      polls.push(elapsed());
      return { paused, nextDue: new Map([...due].map(([action, time]) => [action, new Date(start + time)])) };
    },
    async claimDue({ limits }: DueRequest) {
      claims.push([elapsed(), [...limits.keys()].join()]);
      for (const action of limits.keys()) {
        due.delete(action);
      }
      return { entries: [], more: false };
    },
  };
  const pausedActions = createPausedActions(log);
  const loop = new DueLoop({
    actions: ["a", "b"],
    ledger: ledger as Ledger,
    log,
    paused: pausedActions,
    run: async () => {},
    concurrency: 4,
    pollMs: POLL_MS,
  });
  onTestFinished(() => loop.stop());
  return {
    polls,
    claims,
    /** An entry of another server, which is found by a poll alone. */
    add: (action: string, time: number) => due.set(action, time),
    /** An entry that this server makes due. */
    addOwn(action: string, time: number) {
      due.set(action, time);
      wake(new Date(start + time));
    },
    pause(...actions: string[]) {
      paused = new Set(actions);
    },
    wake: () => wake(undefined),
    isPaused: pausedActions.isPaused,
  };
}

test("polls every two seconds while nothing is due", async () => {
  const { polls, claims } = startLoop();
  await vi.advanceTimersByTimeAsync(5 * MAX_MS);
  expect(polls).toEqual([0, 1, 2, 3, 4, 5].map((count) => count * MAX_MS));
  expect(claims).toEqual([]);
});

test("sleeps until an entry is due, spread over the minimum delay, and claims only that Action", async () => {
  const { add, claims, polls } = startLoop();
  add("a", 2_900);
  add("b", 60_000);
  await vi.advanceTimersByTimeAsync(2_899);
  expect(claims).toEqual([]);
  expect(polls).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(claims).toEqual([[expect.any(Number), "a"]]);
});

test("an entry that this server makes due is claimed on time", async () => {
  const { addOwn, claims } = startLoop();
  await vi.advanceTimersByTimeAsync(100);
  addOwn("a", 700);
  addOwn("b", 900);
  await vi.advanceTimersByTimeAsync(800);
  expect(claims).toEqual([
    [700, "a"],
    [900, "b"],
  ]);
});

test("an entry that another server makes due at once is claimed at the next poll", async () => {
  const { add, claims } = startLoop();
  await vi.advanceTimersByTimeAsync(100);
  add("a", 100);
  await vi.advanceTimersByTimeAsync(MAX_MS);
  expect(claims).toEqual([[MAX_MS, "a"]]);
});

test("a paused Action is not claimed, and one that this server resumes is claimed at once", async () => {
  const { add, pause, wake, claims, isPaused } = startLoop();
  await vi.advanceTimersByTimeAsync(0);
  expect(await isPaused("a")).toBe(false);
  pause("a");
  add("a", 0);
  wake();
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(await isPaused("a")).toBe(true);
  await vi.advanceTimersByTimeAsync(MAX_MS);
  expect(claims).toEqual([]);
  pause();
  const before = claims.length;
  wake();
  await vi.advanceTimersByTimeAsync(POLL_MS);
  expect(claims.slice(before)).toEqual([[expect.any(Number), "a"]]);
});
