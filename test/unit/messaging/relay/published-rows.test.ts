import { expect, test } from "vitest";
import { createPublishedRows } from "../../../../src/messaging/relay/published-rows.ts";

test("rows expire with the last one of their chunk", () => {
  const rows = createPublishedRows(100);
  rows.add(1n, 0);
  rows.add(2n, 90);
  rows.add(3n, 150);
  expect(rows.oldestBefore(80)).toBeUndefined();
  const first = rows.oldestBefore(90);
  expect(first?.ids).toEqual([1n, 2n]);
  // Kept until removed: the database may be unavailable.
  expect(rows.oldestBefore(90)?.ids).toEqual([1n, 2n]);
  first?.remove();
  expect(rows.oldestBefore(149)).toBeUndefined();
  expect(rows.oldestBefore(150)?.ids).toEqual([3n]);
});

test("a chunk has no more rows than one statement deletes", () => {
  const rows = createPublishedRows(1_000);
  const ids = Array.from({ length: 2_500 }, (_, index) => BigInt(index) + 2n ** 60n);
  for (const id of ids) {
    rows.add(id, 5);
  }
  const taken: bigint[][] = [];
  for (let old = rows.oldestBefore(5); old !== undefined; old = rows.oldestBefore(5)) {
    taken.push(old.ids);
    old.remove();
  }
  expect(taken.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
  expect(taken.flat()).toEqual(ids);
});

test("rows are known until they are cleared", () => {
  const rows = createPublishedRows(10);
  for (const [index, id] of [3n, 7n, 9n].entries()) {
    rows.add(id, index * 100);
  }
  expect(rows.known([1n, 3n, 9n, 10n])).toEqual(new Set([3n, 9n]));
  rows.clear();
  expect(rows.known([3n])).toEqual(new Set());
  expect(rows.oldestBefore(1_000)).toBeUndefined();
});
