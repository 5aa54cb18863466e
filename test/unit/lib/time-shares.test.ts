import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createTimeShare } from "../../../src/lib/time-shares.ts";

function holdFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    // Holds the event loop.
  }
}

test("light pieces start a few per turn, in their order", async () => {
  const share = createTimeShare();
  const started: number[] = [];
  const pieces = Array.from({ length: 20 }, async (_, piece) => {
    await share();
    started.push(piece);
  });
  expect(started).toEqual([]);
  await nextTurn();
  expect(started.length).toBeLessThan(20);
  await Promise.all(pieces);
  expect(started).toEqual(Array.from({ length: 20 }, (_, piece) => piece));
});

test("a piece that takes long is followed by as much rest", async () => {
  const share = createTimeShare();
  const startedAt: number[] = [];
  const work = async () => {
    await share();
    startedAt.push(performance.now());
    holdFor(20);
  };
  await Promise.all([work(), work(), work()]);
  const [first = 0, second = 0, third = 0] = startedAt;
  expect(second - first).toBeGreaterThanOrEqual(38);
  expect(third - second).toBeGreaterThanOrEqual(38);
});

test("work continues after a pause", async () => {
  const share = createTimeShare();
  await share();
  await nextTurn();
  await share();
});
