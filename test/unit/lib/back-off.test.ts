import { expect, test } from "vitest";
import { backOffMs } from "../../../src/lib/back-off.ts";

const backOff = { baseMs: 1_000, capMs: 300_000 };

test("pauses double up to the cap", () => {
  const longest = [1, 2, 3, 4, 9, 10, 50, 5_000].map((attempts) => backOffMs(backOff, attempts, 1));
  expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000, 300_000]);
});

test("chance takes away a quarter at most", () => {
  expect(backOffMs(backOff, 3, 0)).toBe(3_000);
  expect(backOffMs(backOff, 3, 0.5)).toBe(3_500);
});
