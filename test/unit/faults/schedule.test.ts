import { expect, test } from "vitest";
import { planSchedule } from "../../../faults/schedule.ts";

const wanted = { minutes: 3, rounds: undefined, roundMs: 45_000, recovery: true, controls: true };

test("as many rounds as fit into the minutes, and never none", () => {
  const rounds = (minutes: number) => planSchedule({ ...wanted, minutes }).rounds;
  expect([rounds(0), rounds(1), rounds(3)]).toEqual([1, 1, 1]);
  expect(rounds(60)).toBeGreaterThan(50);
  expect(planSchedule({ ...wanted, minutes: 60 }).totalMs).toBeLessThanOrEqual(3_600_000);
  expect(planSchedule({ ...wanted, recovery: false, controls: false }).rounds).toBeGreaterThan(1);
});

test("a number of rounds that is given counts, none included", () => {
  const only = { ...wanted, recovery: false, controls: false };
  expect(planSchedule({ ...only, rounds: 7 })).toEqual({ rounds: 7, totalMs: 7 * 65_000 });
  expect(planSchedule({ ...only, rounds: 0 })).toEqual({ rounds: 0, totalMs: 0 });
});
