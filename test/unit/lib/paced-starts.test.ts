import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createPacedStarts } from "../../../src/lib/paced-starts.ts";

test("starts a few calls per turn, in their order", async () => {
  const startPaced = createPacedStarts(2);
  const started: number[] = [];
  for (const call of [1, 2, 3, 4, 5]) {
    startPaced(() => started.push(call) > 0);
  }
  expect(started).toEqual([]);
  await nextTurn();
  expect(started).toEqual([1, 2]);
  startPaced(() => started.push(6) > 0);
  await nextTurn();
  expect(started).toEqual([1, 2, 3, 4]);
  await nextTurn();
  expect(started).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a call that is not started any more takes no other one's place", async () => {
  const startPaced = createPacedStarts(1);
  const started: number[] = [];
  for (const call of [1, 2, 3]) {
    startPaced(() => call === 3 && started.push(call) > 0);
  }
  await nextTurn();
  expect(started).toEqual([3]);
});

test("one that a call starts waits for a later turn", async () => {
  const startPaced = createPacedStarts(8);
  const started: string[] = [];
  startPaced(() => {
    started.push("first");
    startPaced(() => started.push("second") > 0);
    return true;
  });
  await nextTurn();
  expect(started).toEqual(["first"]);
  await nextTurn();
  expect(started).toEqual(["first", "second"]);
});

test("a start that enqueues another one does not quicken the pace", async () => {
  const startPaced = createPacedStarts(1);
  const started: string[] = [];
  startPaced(() => {
    startPaced(() => started.push("d") > 0);
    return started.push("a") > 0;
  });
  startPaced(() => started.push("b") > 0);
  startPaced(() => started.push("c") > 0);
  for (const expected of ["a", "ab", "abc", "abcd"]) {
    await nextTurn();
    expect(started.join("")).toBe(expected);
  }
});
