import { expect, test } from "vitest";
import { createBatcher } from "../../../src/lib/batcher.ts";
import { QueueFullError } from "../../../src/store/mysql/errors.ts";

/** A work whose calls end when they are told to. */
function heldWork() {
  const calls: { items: readonly number[]; end: (outs: readonly string[]) => void; fail: (error: Error) => void }[] =
    [];
  const work = (items: readonly number[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      calls.push({ items, end: resolve, fail: reject });
    });
  return { calls, work };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a lone item goes at once; what comes meanwhile goes together", async () => {
  const { calls, work } = heldWork();
  const ask = createBatcher(work, { max: 3 });
  const first = ask(1);
  await turn();
  const others = [2, 3, 4, 5].map(ask);
  await turn();
  expect(calls.map(({ items }) => items)).toEqual([[1]]);
  calls[0]?.end(["one"]);
  expect(await first).toBe("one");
  await turn();
  calls[1]?.end(["two", "three", "four"]);
  await turn();
  calls[2]?.end(["five"]);
  expect(await Promise.all(others)).toEqual(["two", "three", "four", "five"]);
  expect(calls.map(({ items }) => items)).toEqual([[1], [2, 3, 4], [5]]);
});

test("items of one turn of the event loop go together", async () => {
  const { calls, work } = heldWork();
  const ask = createBatcher(work, { max: 10 });
  const answers = [ask(1), ask(2)];
  await turn();
  calls[0]?.end(["one", "two"]);
  expect(await Promise.all(answers)).toEqual(["one", "two"]);
  expect(calls).toHaveLength(1);
});

test("a call that fails fails its own items, and the next ones go on", async () => {
  const { calls, work } = heldWork();
  const ask = createBatcher(work, { max: 10 });
  const first = ask(1);
  await turn();
  const second = ask(2);
  calls[0]?.fail(new Error("no"));
  await expect(first).rejects.toThrow("no");
  await turn();
  calls[1]?.end(["two"]);
  expect(await second).toBe("two");
});

test("beyond the bound an item is refused at once", async () => {
  const { calls, work } = heldWork();
  const ask = createBatcher(work, { max: 1, maxQueue: 2 });
  const first = ask(1);
  await turn();
  const waiting = [ask(2), ask(3)];
  await expect(ask(4)).rejects.toThrow(QueueFullError);
  calls[0]?.end(["one"]);
  await first;
  await turn();
  calls[1]?.end(["two"]);
  await turn();
  calls[2]?.end(["three"]);
  expect(await Promise.all(waiting)).toEqual(["two", "three"]);
});
