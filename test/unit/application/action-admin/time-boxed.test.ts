import { expect, test } from "vitest";
import { runTimeBoxed } from "../../../../src/application/action-admin/time-boxed.ts";

const LIMITS = { batch: 3, events: 7, ms: 60_000 };

/** Work on `total` events, which are numbered from 0; records the limit of each batch. */
function countTo(total: number) {
  const limits: number[] = [];
  const work = async (from: number, limit: number) => {
    limits.push(limit);
    const count = Math.min(limit, total - from);
    return { count, next: from + count < total ? from + count : undefined };
  };
  return { limits, work };
}

test("runs batches until nothing is left", async () => {
  const { limits, work } = countTo(5);
  expect(await runTimeBoxed(LIMITS, { deadline: undefined }, 0, work)).toEqual({ count: 5, next: undefined });
  expect(limits).toEqual([3, 3]);
});

test("stops at the maximum number of events", async () => {
  const { limits, work } = countTo(20);
  expect(await runTimeBoxed(LIMITS, { deadline: undefined }, 0, work)).toEqual({ count: 7, next: 7 });
  expect(limits).toEqual([3, 3, 1]);
});

test("stops after one batch when the time is over", async () => {
  const { limits, work } = countTo(20);
  expect(await runTimeBoxed({ ...LIMITS, ms: 0 }, { deadline: undefined }, 0, work)).toEqual({ count: 3, next: 3 });
  expect(await runTimeBoxed(LIMITS, { deadline: new Date(Date.now() - 1_000) }, 0, work)).toEqual({
    count: 3,
    next: 3,
  });
  expect(limits).toEqual([3, 3]);
});
