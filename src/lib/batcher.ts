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

export interface BatchRules<T> {
  /** Maximum number of items in a batch, 1 or more. */
  readonly maxBatch: number;
  /**
   * Called at the start of a batch; the function it returns is called with one item after the other
   * and returns whether the item may join the batch. Otherwise it starts the next one. The first
   * item must be accepted. Default: all are.
   */
  readonly beginBatch?: (() => (next: T) => boolean) | undefined;
}

/**
 * Processes items in batches, without a timer: the first batch starts at the end of the event
 * loop's current turn, and the items that arrive while a batch runs form the next one.
 *
 * @param process must not reject
 */
export function createBatchQueue<T>(
  process: (items: readonly T[]) => Promise<void>,
  { maxBatch, beginBatch }: BatchRules<T>,
): BatchQueue<T> {
  let queue: T[] = [];
  let running: Promise<void> | undefined;

  async function runAll(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    while (queue.length > 0) {
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
  }

  return {
    get waiting() {
      return queue.length;
    },
    push(item) {
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
      while (running !== undefined) {
        await running;
      }
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
  { maxBatch }: { readonly maxBatch: number },
): (item: In) => Promise<Out> {
  const queue = createBatchQueue<PendingItem<In, Out>>(
    async (batch) => {
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
    },
    { maxBatch },
  );
  return (item) => new Promise((resolve, reject) => queue.push({ item, resolve, reject }));
}
