import { expect, test } from "vitest";
import { createKeyedQueue } from "../../../src/lib/keyed-queue.ts";

/** Work that ends when it is told to. */
function work(log: string[], orderId: bigint, name: string) {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    key: orderId,
    name,
    end: async () => {
      end();
      await new Promise(setImmediate);
    },
    async run() {
      log.push(`${name} begins`);
      await ended;
      log.push(`${name} ends`);
    },
  };
}

test("the work of an order is done one after the other, that of others beside it", async () => {
  const log: string[] = [];
  const lane = createKeyedQueue<ReturnType<typeof work>>(10);
  const [a1, a2, b1] = [work(log, 1n, "a1"), work(log, 1n, "a2"), work(log, 2n, "b1")];
  for (const one of [a1, a2, b1]) {
    lane.add(one);
  }
  await b1.end();
  await a1.end();
  await a2.end();
  await lane.idle();
  expect(log).toEqual(["a1 begins", "b1 begins", "b1 ends", "a1 ends", "a2 begins", "a2 ends"]);
});

test("no more runs at a time than is allowed, and an order that waits for itself takes no place", async () => {
  const log: string[] = [];
  const lane = createKeyedQueue<ReturnType<typeof work>>(2);
  const works = [work(log, 1n, "a1"), work(log, 1n, "a2"), work(log, 2n, "b1"), work(log, 3n, "c1")];
  for (const one of works) {
    lane.add(one);
  }
  expect(log).toEqual(["a1 begins", "b1 begins"]);
  await works[2]?.end();
  expect(log.slice(2)).toEqual(["b1 ends", "c1 begins"]);
  for (const one of works) {
    await one.end();
  }
  await lane.idle();
  expect(log).toHaveLength(8);
});

test("what has not begun is given back", async () => {
  const log: string[] = [];
  const lane = createKeyedQueue<ReturnType<typeof work>>(1);
  const works = [work(log, 1n, "a1"), work(log, 1n, "a2"), work(log, 2n, "b1"), work(log, 2n, "b2")];
  for (const one of works) {
    lane.add(one);
  }
  expect(
    lane
      .removePending()
      .map(({ name }) => name)
      .toSorted(),
  ).toEqual(["a2", "b1", "b2"]);
  await works[0]?.end();
  await lane.idle();
  expect(log).toEqual(["a1 begins", "a1 ends"]);
});

test("a long queue stays in order", async () => {
  const seen: number[] = [];
  const lane = createKeyedQueue(3);
  for (let index = 0; index < 5_000; index += 1) {
    lane.add({ key: BigInt(index % 7), run: async () => void seen.push(index) });
  }
  await lane.idle();
  for (let order = 0; order < 7; order += 1) {
    const mine = seen.filter((index) => index % 7 === order);
    expect(mine).toEqual(mine.toSorted((a, b) => a - b));
  }
  expect(seen).toHaveLength(5_000);
});
