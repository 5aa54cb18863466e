import { expect, test } from "vitest";
import { createTimeline } from "../../../faults/timeline.ts";

test("counts calls by the second of their completion; goodput counts successful ones", () => {
  // A round number: a sum of fractions may fall on either side of a second.
  const timeline = createTimeline(1_000);
  const end = (seconds: number, ok: boolean) =>
    timeline.record({ at: timeline.began + seconds * 1_000, ok, tookMs: 1, service: 0 });
  for (const seconds of [0.05, 0.55, 2.05, 2.15, 2.95]) {
    end(seconds, true);
  }
  end(2.5, false);
  expect(timeline.seconds()).toEqual([
    { ok: 2, failed: 0 },
    { ok: 0, failed: 0 },
    { ok: 3, failed: 1 },
  ]);
  const goodput = (from: number, until: number) =>
    timeline.goodput(timeline.began + from * 1_000, timeline.began + until * 1_000);
  expect(goodput(0, 1)).toBe(2);
  expect(goodput(2, 3)).toBe(3);
  expect(goodput(0, 3)).toBeCloseTo(5 / 3);
  expect(goodput(5, 6)).toBe(0);
});
