import { expect, test } from "vitest";
import { createCallerLimits } from "../../../../src/transport/rate-limits/index.ts";
import type { SharedBuckets } from "../../../../src/transport/rate-limits/shared-buckets.ts";

test("up to 1,000 callers without limits of their own have a bucket each; others share one until some are idle", () => {
  let time = 0;
  const unavailable: SharedBuckets = { isUnavailable: () => true, take: async () => undefined };
  const limits = createCallerLimits(new Map([["*", { rate: { perSecond: 1, burst: 1 } }]]), unavailable, () => time);
  const take = (caller: string) => limits.get(caller)?.take(1) ?? 0;
  for (let caller = 0; caller < 1_000; caller += 1) {
    expect(take(`caller ${caller}`)).toBe(0);
  }
  expect(take("caller 5")).toBeGreaterThan(0);
  expect(take("one more")).toBe(0);
  expect(take("another one")).toBeGreaterThan(0);
  time += 61_000;
  expect([take("one more"), take("another one")]).toEqual([0, 0]);
});
