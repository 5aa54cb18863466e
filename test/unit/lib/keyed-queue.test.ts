import { expect, test } from "vitest";
import { createKeyedFifo, createKeyedQueue } from "../../../src/lib/keyed-queue.ts";

/** A task that ends when the test ends it. */
function controlledTask(log: string[], key: bigint, name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    key,
    name,
    end: async () => {
      resolve();
      await new Promise(setImmediate);
    },
    async run() {
      log.push(`${name} starts`);
      await promise;
      log.push(`${name} ends`);
    },
  };
}

type Task = ReturnType<typeof controlledTask>;

test("tasks of one key run one after the other, those of different keys at the same time", async () => {
  const log: string[] = [];
  const queue = createKeyedQueue<Task>(10);
  const [a1, a2, b1] = [controlledTask(log, 1n, "a1"), controlledTask(log, 1n, "a2"), controlledTask(log, 2n, "b1")];
  for (const task of [a1, a2, b1]) {
    queue.add(task);
  }
  await b1.end();
  await a1.end();
  await a2.end();
  await queue.idle();
  expect(log).toEqual(["a1 starts", "b1 starts", "b1 ends", "a1 ends", "a2 starts", "a2 ends"]);
});

test("the concurrency limit holds, and a task that waits for its key does not count", async () => {
  const log: string[] = [];
  const queue = createKeyedQueue<Task>(2);
  const tasks = [
    controlledTask(log, 1n, "a1"),
    controlledTask(log, 1n, "a2"),
    controlledTask(log, 2n, "b1"),
    controlledTask(log, 3n, "c1"),
  ];
  for (const task of tasks) {
    queue.add(task);
  }
  expect(log).toEqual(["a1 starts", "b1 starts"]);
  await tasks[2]?.end();
  expect(log.slice(2)).toEqual(["b1 ends", "c1 starts"]);
  for (const task of tasks) {
    await task.end();
  }
  await queue.idle();
  expect(log).toHaveLength(8);
});

test("removePending returns the tasks that have not started", async () => {
  const log: string[] = [];
  const queue = createKeyedQueue<Task>(1);
  const tasks = [
    controlledTask(log, 1n, "a1"),
    controlledTask(log, 1n, "a2"),
    controlledTask(log, 2n, "b1"),
    controlledTask(log, 2n, "b2"),
  ];
  for (const task of tasks) {
    queue.add(task);
  }
  expect(
    queue
      .removePending()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(["a2", "b1", "b2"]);
  await tasks[0]?.end();
  await queue.idle();
  expect(log).toEqual(["a1 starts", "a1 ends"]);
});

test("a long queue keeps the order of each key", async () => {
  const seen: number[] = [];
  const queue = createKeyedQueue(3);
  for (let index = 0; index < 10_000; index += 1) {
    queue.add({ key: index % 7, run: async () => void seen.push(index) });
  }
  await queue.idle();
  for (let key = 0; key < 7; key += 1) {
    const ofKey = seen.filter((index) => index % 7 === key);
    expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
  }
  expect(seen).toHaveLength(10_000);
});

test("a FIFO hands out one item of a key at a time, the older ones first", () => {
  const fifo = createKeyedFifo<string>((item) => item[0]);
  for (const item of ["a1", "a2", "b1", "a3", "c1"]) {
    fifo.push(item);
  }
  expect([fifo.next(), fifo.next()]).toEqual(["a1", "b1"]);
  fifo.release("a1");
  expect([fifo.next(), fifo.next(), fifo.next()]).toEqual(["a2", "c1", undefined]);
  expect(fifo.waiting).toBe(1);
  fifo.release("a2");
  expect(fifo.clear()).toEqual(["a3"]);
  expect(fifo.waiting).toBe(0);
  fifo.push("a4");
  fifo.push("b2");
  expect([fifo.next(), fifo.next()]).toEqual(["a4", undefined]);
  fifo.release("b1");
  expect(fifo.next()).toBe("b2");
});
