/** A FIFO queue that hands out at most one item of each key at a time. */
export interface KeyedFifo<T> {
  /** Number of items that were not handed out. */
  readonly waiting: number;
  push(item: T): void;
  /**
   * The first item whose key is free, which is busy from then on; undefined where there is none.
   */
  next(): T | undefined;
  /** Frees the key of an item that was handed out. */
  release(item: T): void;
  /** Removes and returns what was not handed out. */
  clear(): T[];
}

/**
 * Consumed entries that are cut off the array at a time: `shift()` would move all of it each time.
 */
const CUT_OFF = 4_096;

export function createKeyedFifo<T>(keyOf: (item: T) => unknown): KeyedFifo<T> {
  let queue: T[] = [];
  let head = 0;
  /** Items whose key has become free: older than all of the queue. */
  let freed: T[] = [];
  /** The busy keys, each with the items that `next` found behind it. */
  const busy = new Map<unknown, T[]>();
  let behindBusy = 0;

  const takeHead = (): T => {
    const item = queue[head] as T;
    head += 1;
    if (head === CUT_OFF || head === queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
    return item;
  };

  return {
    get waiting() {
      return freed.length + behindBusy + queue.length - head;
    },
    push(item) {
      queue.push(item);
    },
    next() {
      const first = freed.shift();
      if (first !== undefined) {
        return first;
      }
      while (head < queue.length) {
        const item = takeHead();
        const key = keyOf(item);
        const behind = busy.get(key);
        if (behind === undefined) {
          busy.set(key, []);
          return item;
        }
        behind.push(item);
        behindBusy += 1;
      }
      return undefined;
    },
    release(item) {
      const key = keyOf(item);
      const next = busy.get(key)?.shift();
      if (next === undefined) {
        busy.delete(key);
      } else {
        behindBusy -= 1;
        freed.push(next);
      }
    },
    clear() {
      const removed = [...freed, ...[...busy.values()].flat(), ...queue.slice(head)];
      for (const item of freed) {
        busy.delete(keyOf(item));
      }
      for (const behind of busy.values()) {
        behind.length = 0;
      }
      freed = [];
      queue = [];
      head = 0;
      behindBusy = 0;
      return removed;
    },
  };
}

export interface KeyedTask {
  /** Tasks with equal keys run one after the other, in the order in which they were added. */
  readonly key: unknown;
  /** Must not reject. */
  run(): Promise<void>;
}

/** Runs tasks with a concurrency limit, and those of one key one after the other. */
export interface KeyedQueue<W extends KeyedTask> {
  add(task: W): void;
  /** Removes and returns the tasks that have not started; running ones go on. */
  removePending(): W[];
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

/** @param concurrency maximum number of tasks that run at a time */
export function createKeyedQueue<W extends KeyedTask>(concurrency: number): KeyedQueue<W> {
  const fifo = createKeyedFifo<W>(({ key }) => key);
  let running = 0;
  let idle = Promise.withResolvers<void>();

  const pump = () => {
    while (running < concurrency) {
      const task = fifo.next();
      if (task === undefined) {
        return;
      }
      running += 1;
      void task.run().then(() => ended(task));
    }
  };

  const ended = (task: W) => {
    running -= 1;
    fifo.release(task);
    pump();
    if (running === 0) {
      idle.resolve();
      idle = Promise.withResolvers();
    }
  };

  return {
    add(task) {
      fifo.push(task);
      pump();
    },
    removePending: () => fifo.clear(),
    async idle() {
      while (running > 0) {
        await idle.promise;
      }
    },
  };
}
