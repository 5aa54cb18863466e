import { expect, test } from "vitest";
import { planSchedule } from "../../../faults/options.ts";

const options = { minutes: 3, rounds: undefined, secondsPerRound: 45, recovery: true, controls: true };

test("schedules as many rounds as fit into the minutes, at least one", () => {
  const rounds = (minutes: number) => planSchedule({ ...options, minutes }).rounds;
  expect([rounds(0), rounds(1), rounds(3)]).toEqual([1, 1, 1]);
  expect(rounds(60)).toBeGreaterThan(50);
  expect(planSchedule({ ...options, minutes: 60 }).totalMs).toBeLessThanOrEqual(3_600_000);
  expect(planSchedule({ ...options, recovery: false, controls: false }).rounds).toBeGreaterThan(1);
});

test("a given number of rounds is used, even 0", () => {
  const only = { ...options, recovery: false, controls: false };
  expect(planSchedule({ ...only, rounds: 7 })).toEqual({ rounds: 7, totalMs: 7 * 65_000 });
  expect(planSchedule({ ...only, rounds: 0 })).toEqual({ rounds: 0, totalMs: 0 });
});
