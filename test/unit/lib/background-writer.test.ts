import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createBackgroundWriter } from "../../../src/lib/background-writer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const OPTIONS = { delayMs: 50, retryMs: 1_000 };

test("requests within the delay share a write", async () => {
  let writes = 0;
  const writer = createBackgroundWriter(async () => {
    writes += 1;
    return false;
  }, OPTIONS);
  writer.schedule();
  writer.schedule();
  await vi.advanceTimersByTimeAsync(49);
  expect(writes).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(writes).toBe(1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(writes).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("writes again at once while there is more, and after the delay for a request made meanwhile", async () => {
  const buffer = [1, 2, 3];
  const batches: number[][] = [];
  const writer = createBackgroundWriter(async () => {
    batches.push(buffer.splice(0, 2));
    if (batches.length === 2) {
      buffer.push(4);
      writer.schedule();
    }
    return batches.length === 1;
  }, OPTIONS);
  writer.schedule();
  await vi.advanceTimersByTimeAsync(50);
  expect(batches).toEqual([[1, 2], [3]]);
  await vi.advanceTimersByTimeAsync(50);
  expect(batches).toEqual([[1, 2], [3], [4]]);
});

test("a failed write is retried after a delay", async () => {
  let writes = 0;
  const writer = createBackgroundWriter(async () => {
    writes += 1;
    if (writes === 1) {
      throw new Error("no");
    }
    return false;
  }, OPTIONS);
  writer.schedule();
  await vi.advanceTimersByTimeAsync(50 + 999);
  expect(writes).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(writes).toBe(2);
});

test("close writes at once what is left", async () => {
  const buffer = [1, 2, 3];
  const writer = createBackgroundWriter(async () => {
    buffer.splice(0, 2);
    return buffer.length > 0;
  }, OPTIONS);
  writer.schedule();
  await writer.close();
  expect(buffer).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test("close ends at the first failure", async () => {
  let writes = 0;
  const writer = createBackgroundWriter(async () => {
    writes += 1;
    throw new Error("no");
  }, OPTIONS);
  writer.schedule();
  await writer.close();
  expect(writes).toBe(1);
});
