import { expect, test } from "vitest";
import { ChangeSequence } from "../../../../src/application/watch/change-sequence.ts";
import type { StatusChanged } from "../../../../src/domain/events.ts";

const change = (version: number) => ({ version }) as StatusChanged;

/** Adds changes in this order, and returns the versions released by each. */
const addAll = (sequence: ChangeSequence, ...versions: number[]) =>
  versions.map((version) => sequence.add(change(version)).map((released) => released.version));

test("releases changes in version order", () => {
  const sequence = new ChangeSequence();
  sequence.start(0);
  expect(addAll(sequence, 2, 3, 1, 4)).toEqual([[], [], [1, 2, 3], [4]]);
  expect([sequence.version, sequence.isIncomplete]).toEqual([4, false]);
});

test("before the start changes are kept; those up to the start version are dropped", () => {
  const sequence = new ChangeSequence();
  expect(addAll(sequence, 1, 2, 3)).toEqual([[], [], []]);
  expect(sequence.start(1).map(({ version }) => version)).toEqual([2, 3]);
});

test("is incomplete with a gap, or when marked stale; not before the start", () => {
  const sequence = new ChangeSequence();
  sequence.markStale();
  expect(sequence.isIncomplete).toBe(false);
  sequence.start(0);
  expect(sequence.isIncomplete).toBe(true);
  sequence.clearStale();
  expect(sequence.isIncomplete).toBe(false);
  addAll(sequence, 3);
  expect([sequence.isIncomplete, sequence.firstEarlyVersion]).toEqual([true, 3]);
});

test("accepts only versions after the last one released", () => {
  const sequence = new ChangeSequence();
  expect(sequence.accepts(1)).toBe(true);
  sequence.start(1);
  expect([sequence.accepts(1), sequence.accepts(2)]).toEqual([false, true]);
});

test("skips a hole only to a change that has arrived", () => {
  const sequence = new ChangeSequence();
  sequence.start(0);
  addAll(sequence, 3, 4);
  expect(sequence.skipTo(2)).toEqual([]);
  expect(sequence.skipTo(3).map(({ version }) => version)).toEqual([3, 4]);
  expect(sequence.skipTo(4)).toEqual([]);
});
