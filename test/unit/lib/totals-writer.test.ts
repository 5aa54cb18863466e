import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTotalsWriter } from "../../../src/lib/totals-writer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function totalsWriter() {
  const written: [string, number][][] = [];
  const state = { available: true };
  const writer = createTotalsWriter<{ count: number }>(
    async (totals) => {
      if (!state.available) {
        throw new Error("unavailable");
      }
      written.push(totals.map(([key, { count }]) => [key, count]));
    },
    {
      create: () => ({ count: 0 }),
      merge(current, earlier) {
        current.count += earlier.count;
      },
      intervalMs: 1_000,
    },
  );
  const add = (key: string, count: number) => {
    writer.of(key).count += count;
  };
  return { writer, add, written, state };
}

test("totals are added up and written once an interval, sorted by key", async () => {
  const { add, written } = totalsWriter();
  add("b", 1);
  add("a", 2);
  add("b", 3);
  await vi.advanceTimersByTimeAsync(1_000);
  add("a", 5);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(written).toEqual([
    [
      ["a", 2],
      ["b", 4],
    ],
    [["a", 5]],
  ]);
});

test("totals that could not be written are written with the next ones", async () => {
  const { add, written, state } = totalsWriter();
  state.available = false;
  add("a", 1);
  add("b", 1);
  await vi.advanceTimersByTimeAsync(1_000);
  add("a", 2);
  state.available = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(written).toEqual([
    [
      ["a", 3],
      ["b", 1],
    ],
  ]);
});

test("close writes what is left, at once", async () => {
  const { writer, add, written } = totalsWriter();
  add("a", 1);
  await writer.close();
  expect(written).toEqual([[["a", 1]]]);
});
