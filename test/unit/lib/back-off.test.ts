import { expect, test } from "vitest";
import { backOffMs } from "../../../src/lib/back-off.ts";

const backOff = { baseMs: 1_000, capMs: 300_000 };

test("delays double up to the cap", () => {
  const longest = [1, 2, 3, 4, 9, 10, 50, 5_000].map((attempts) => backOffMs(backOff, attempts, 1));
  expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000, 300_000]);
});

test("jitter shortens a delay by a quarter at most", () => {
  expect(backOffMs(backOff, 3, 0)).toBe(3_000);
  expect(backOffMs(backOff, 3, 0.5)).toBe(3_500);
});

test("full jitter takes any share of the delay", () => {
  expect(backOffMs({ ...backOff, jitter: 1 }, 3, 0)).toBe(0);
  expect(backOffMs({ ...backOff, jitter: 1 }, 3, 0.5)).toBe(2_000);
});
