import { expect, onTestFinished, test, vi } from "vitest";
import { createBatcher, createBatchQueue } from "../../../src/lib/batcher.ts";

/** A process function whose calls end when the test ends them. */
function controlledProcess() {
  const calls: { items: readonly number[]; end: (outs: readonly string[]) => void; fail: (error: Error) => void }[] =
    [];
  const process = (items: readonly number[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      calls.push({ items, end: resolve, fail: reject });
    });
  return { calls, process };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a single item starts at once; the items that arrive meanwhile form the next batches", async () => {
  const { calls, process } = controlledProcess();
  const call = createBatcher(process, { maxBatch: 3 });
  const first = call(1);
  await turn();
  const others = [2, 3, 4, 5].map(call);
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

test("items of one turn of the event loop form one batch", async () => {
  const { calls, process } = controlledProcess();
  const call = createBatcher(process, { maxBatch: 10 });
  const results = [call(1), call(2)];
  await turn();
  calls[0]?.end(["one", "two"]);
  expect(await Promise.all(results)).toEqual(["one", "two"]);
  expect(calls).toHaveLength(1);
});

test("a batch that fails rejects its own calls, and the next one runs", async () => {
  const { calls, process } = controlledProcess();
  const call = createBatcher(process, { maxBatch: 10 });
  const first = call(1);
  await turn();
  const second = call(2);
  calls[0]?.fail(new Error("no"));
  await expect(first).rejects.toThrow("no");
  await turn();
  calls[1]?.end(["two"]);
  expect(await second).toBe("two");
});

test("a batch queue requeues at its head, removes by condition, and counts what waits", async () => {
  const batches: number[][] = [];
  let gate = Promise.withResolvers<void>();
  const queue = createBatchQueue<number>(
    async (items) => {
      batches.push([...items]);
      await gate.promise;
    },
    { maxBatch: 2 },
  );
  for (const item of [1, 2, 3, 4, 5]) {
    queue.push(item);
  }
  await turn();
  expect(queue.waiting).toBe(3);
  expect(queue.remove((item) => item === 4)).toEqual([4]);
  queue.requeue([1, 2]);
  const opened = gate;
  gate = Promise.withResolvers();
  gate.resolve();
  opened.resolve();
  await queue.idle();
  expect(batches).toEqual([
    [1, 2],
    [1, 2],
    [3, 5],
  ]);
  expect(queue.waiting).toBe(0);
});

test("a batch queue ends a batch before an item that may not join it", async () => {
  const batches: number[][] = [];
  const queue = createBatchQueue<number>(async (items) => void batches.push([...items]), {
    maxBatch: 3,
    beginBatch: () => {
      const seen = new Set<number>();
      return (next) => seen.size < seen.add(next).size;
    },
  });
  for (const item of [1, 2, 1, 3, 4, 5, 5]) {
    queue.push(item);
  }
  await queue.idle();
  expect(batches).toEqual([[1, 2], [1, 3, 4], [5], [5]]);
});

test("items within the window form one batch; later ones have a window of their own", async () => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { calls, process } = controlledProcess();
  const call = createBatcher(process, { maxBatch: 100, windowMs: 5 });
  void call(1);
  await turn();
  await vi.advanceTimersByTimeAsync(4);
  void call(2);
  await turn();
  expect(calls).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(calls.map(({ items }) => items)).toEqual([[1, 2]]);
  void call(3);
  await vi.advanceTimersByTimeAsync(2);
  calls[0]?.end(["one", "two"]);
  await vi.advanceTimersByTimeAsync(2);
  expect(calls).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(calls.map(({ items }) => items)).toEqual([[1, 2], [3]]);
});

test("many items do not wait for the window", async () => {
  const { calls, process } = controlledProcess();
  const call = createBatcher(process, { maxBatch: 100, windowMs: 60_000 });
  void call(0);
  await turn();
  expect(calls).toHaveLength(0);
  for (let item = 1; item < 16; item += 1) {
    void call(item);
  }
  await turn();
  expect(calls.map(({ items }) => items.length)).toEqual([16]);
});

test("a queue that is to become idle does not wait for the window", async () => {
  const batches: number[][] = [];
  const queue = createBatchQueue<number>(
    async (items) => {
      batches.push([...items]);
    },
    { maxBatch: 10, windowMs: 60_000 },
  );
  queue.push(1);
  await turn();
  expect(batches).toEqual([]);
  await queue.idle();
  expect(batches).toEqual([[1]]);
});
