import { createInterruptibleDelay } from "./async.ts";

/** A queue that is processed in batches, one batch at a time. */
export interface BatchQueue<T> {
  /** Number of waiting items; those of the running batch are not counted. */
  readonly waiting: number;
  push(item: T): void;
  /** Puts items back at the head of the queue, in their order. */
  requeue(items: readonly T[]): void;
  /** Removes and returns the waiting items that match. */
  remove(matches: (item: T) => boolean): T[];
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>;
}

export interface BatchOptions {
  /** Maximum number of items in a batch, 1 or more. */
  readonly maxBatch: number;
  /**
   * Time for which an item waits for others, in milliseconds, unless FULL_BATCH items wait.
   * Default: 0. For work that no caller waits for: at low load it makes larger, cheaper batches.
   */
  readonly windowMs?: number;
}

export interface BatchRules<T> extends BatchOptions {
  /**
   * Called at the start of a batch; the function it returns is called with one item after the other
   * and returns whether the item may join the batch. Otherwise it starts the next one. The first
   * item must be accepted. Default: all are.
   */
  readonly beginBatch?: (() => (next: T) => boolean) | undefined;
}

/** Number of items that do not wait for more: a larger batch saves little. */
const FULL_BATCH = 16;

/**
 * Processes items in batches: the first batch starts at the end of the event loop's current turn,
 * or of the window, and the items that arrive while a batch runs form the next one.
 *
 * @param process must not reject
 */
export function createBatchQueue<T>(
  process: (items: readonly T[]) => Promise<void>,
  { maxBatch, windowMs = 0, beginBatch }: BatchRules<T>,
): BatchQueue<T> {
  let queue: T[] = [];
  let running: Promise<void> | undefined;
  /** When the first waiting item arrived, by performance.now(). */
  let waitingSince = 0;
  const delay = createInterruptibleDelay();
  let idling = false;

  const isFull = () => queue.length >= FULL_BATCH || idling;

  function wait(): Promise<void> | undefined {
    const restMs = waitingSince + windowMs - performance.now();
    return windowMs === 0 || restMs <= 0 || isFull() ? undefined : delay.wait(restMs);
  }

  async function runAll(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    while (queue.length > 0) {
      await wait();
      const size = batchSize(queue);
      const batch = queue.slice(0, size);
      queue = queue.slice(size);
      await process(batch);
    }
    running = undefined;
  }

  function batchSize(items: readonly T[]): number {
    const max = Math.min(items.length, maxBatch);
    if (beginBatch === undefined) {
      return max;
    }
    const joins = beginBatch();
    const end = items.findIndex((item, index) => index === max || !joins(item));
    return end === -1 ? max : end;
  }

  function wake(): void {
    running ??= runAll();
    if (isFull()) {
      delay.interrupt();
    }
  }

  return {
    get waiting() {
      return queue.length;
    },
    push(item) {
      if (queue.length === 0) {
        waitingSince = performance.now();
      }
      queue.push(item);
      wake();
    },
    requeue(items) {
      queue = [...items, ...queue];
      wake();
    },
    remove(matches) {
      const removed = queue.filter(matches);
      queue = queue.filter((item) => !matches(item));
      return removed;
    },
    async idle() {
      idling = true;
      delay.interrupt();
      while (running !== undefined) {
        await running;
      }
      idling = false;
    },
  };
}

interface PendingItem<In, Out> {
  readonly item: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Combines concurrent calls into one call of `process`, as `createBatchQueue` does.
 *
 * @param process returns a result for each item, in the order of the items; when it rejects, the
 *   calls of this batch reject with its error, and the next batch runs
 */
export function createBatcher<In, Out>(
  process: (items: readonly In[]) => Promise<readonly Out[]>,
  options: BatchOptions,
): (item: In) => Promise<Out> {
  const queue = createBatchQueue<PendingItem<In, Out>>(async (batch) => {
    try {
      const outs = await process(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => {
        resolve(outs[index] as Out);
      });
    } catch (error) {
      for (const { reject } of batch) {
        reject(error);
      }
    }
  }, options);
  return (item) => new Promise((resolve, reject) => queue.push({ item, resolve, reject }));
}
