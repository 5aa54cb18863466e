import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPollLoop } from "../../../src/lib/poll-loop.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("polls at once, then after each interval, until it is stopped", async () => {
  let polls = 0;
  const loop = createPollLoop(async () => void polls++, { intervalMs: 100 });
  expect(polls).toBe(1);
  await vi.advanceTimersByTimeAsync(250);
  expect(polls).toBe(3);
  await loop.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(polls).toBe(3);
  expect(vi.getTimerCount()).toBe(0);
});

test("the first poll can be delayed, and a stop ends that delay", async () => {
  let polls = 0;
  const loop = createPollLoop(async () => void polls++, { intervalMs: 100, initialDelayMs: 100 });
  await vi.advanceTimersByTimeAsync(99);
  expect(polls).toBe(0);
  await loop.stop();
  expect(polls).toBe(0);
});

test("rests for a multiple of a long poll's duration", async () => {
  let polls = 0;
  const loop = createPollLoop(
    async () => {
      polls += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
    { intervalMs: 100, restFactor: 20 },
  );
  await vi.advanceTimersByTimeAsync(50 + 999);
  expect(polls).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(polls).toBe(2);
  const stopped = loop.stop();
  await vi.advanceTimersByTimeAsync(50);
  await stopped;
});

test("continues after an error, and reports it", async () => {
  const errors: unknown[] = [];
  let polls = 0;
  const loop = createPollLoop(
    async () => {
      polls += 1;
      throw new Error(`poll ${polls}`);
    },
    { intervalMs: 100, onError: (error) => errors.push(String(error)) },
  );
  await vi.advanceTimersByTimeAsync(100);
  expect(errors).toEqual(["Error: poll 1", "Error: poll 2"]);
  await loop.stop();
});

test("wake ends the delay, and has no effect on a running poll", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let polls = 0;
  const loop = createPollLoop(
    () => {
      polls += 1;
      return polls === 1 ? Promise.resolve() : promise;
    },
    { intervalMs: 60_000 },
  );
  await vi.advanceTimersByTimeAsync(0);
  loop.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(polls).toBe(2);
  loop.wake();
  resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(polls).toBe(2);
  await loop.stop();
});

test("stop waits for the running poll, and aborts its signal", async () => {
  let aborted = false;
  const loop = createPollLoop(
    (signal) =>
      new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => {
          aborted = true;
          resolve();
        });
      }),
    { intervalMs: 100 },
  );
  await loop.stop();
  expect(aborted).toBe(true);
});

test("a poll decides its next delay, wakeWithin shortens it, and no delay is shorter than the minimum", async () => {
  const times: number[] = [];
  const start = performance.now();
  const loop = createPollLoop(
    async () => {
      times.push(Math.round(performance.now() - start));
      return 1_000;
    },
    { intervalMs: 100, minDelayMs: 50 },
  );
  await vi.advanceTimersByTimeAsync(1_000);
  expect(times).toEqual([0, 1_000]);
  loop.wakeWithin(300);
  loop.wakeWithin(500);
  await vi.advanceTimersByTimeAsync(300);
  expect(times).toEqual([0, 1_000, 1_300]);
  loop.wakeWithin(0);
  await vi.advanceTimersByTimeAsync(100);
  expect(times).toEqual([0, 1_000, 1_300, 1_350]);
  await loop.stop();
});

test("wakeWithin during a poll shortens the delay after it", async () => {
  let polls = 0;
  const loop = createPollLoop(
    async () => {
      polls += 1;
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
    { intervalMs: 60_000 },
  );
  loop.wakeWithin(70);
  await vi.advanceTimersByTimeAsync(69);
  expect(polls).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(polls).toBe(2);
  await vi.advanceTimersByTimeAsync(50_000);
  expect(polls).toBe(2);
  await loop.stop();
});
