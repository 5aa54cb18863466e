import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Waits for a promise, but no longer than a time limit. The work behind the promise continues; a
 * later rejection is ignored.
 *
 * @param ms time limit in milliseconds; 0 or less ends the wait in the next turn of the event loop
 * @returns undefined when the time limit passed first
 */
export async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: timeUp, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, Math.max(ms, 0), undefined);
  try {
    return await Promise.race([promise, timeUp]);
  } finally {
    clearTimeout(timer);
  }
}

/** Items per turn of the event loop: some milliseconds of work. */
const SLICE = 50;

/** Maps a list, and lets other work run in between. */
export async function mapInSlices<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % SLICE === 0) {
      await nextTurn();
    }
    results.push(map(item));
  }
  return results;
}

/** A delay that can be cut short. Its timer does not keep the process alive. */
export interface InterruptibleDelay {
  /** @param ms in milliseconds */
  wait(ms: number): Promise<void>;
  /** Ends the current wait; without one it has no effect. */
  interrupt(): void;
}

export function createInterruptibleDelay(): InterruptibleDelay {
  let interrupt = () => {};
  return {
    wait: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms).unref();
        interrupt = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    interrupt: () => interrupt(),
  };
}
