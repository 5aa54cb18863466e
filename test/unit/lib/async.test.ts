import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createInterruptibleDelay, withTimeout } from "../../../src/lib/async.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("withTimeout returns the result, and leaves no timer behind", async () => {
  expect(await withTimeout(Promise.resolve("done"), 1_000)).toBe("done");
  expect(vi.getTimerCount()).toBe(0);
});

test("withTimeout returns undefined at the limit, and ignores a later rejection", async () => {
  const { promise, reject } = Promise.withResolvers<string>();
  const result = withTimeout(promise, 1_000);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await result).toBeUndefined();
  reject(new Error("too late"));
});

test("withTimeout rejects with the error of the work", async () => {
  await expect(withTimeout(Promise.reject(new Error("no")), 1_000)).rejects.toThrow("no");
  expect(vi.getTimerCount()).toBe(0);
});

test("a delay ends when it is interrupted", async () => {
  const delay = createInterruptibleDelay();
  delay.interrupt();
  const waited = delay.wait(60_000);
  delay.interrupt();
  await waited;
  expect(vi.getTimerCount()).toBe(0);
});
