/** Runs work with a bound on how much at a time, and the work of one order one after the other, in the order of coming. */
export interface KeyedQueue<W extends KeyedTask> {
  add(work: W): void;
  /** Gives back what has not begun; what runs goes on. */
  removePending(): W[];
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

export interface KeyedTask {
  readonly key: bigint;
  /** Must not reject. */
  run(): Promise<void>;
}

export function createKeyedQueue<W extends KeyedTask>(concurrency: number): KeyedQueue<W> {
  /** Orders with work that runs or is ready, and what waits behind it. */
  const orders = new Map<bigint, W[]>();
  let ready: W[] = [];
  let head = 0;
  let running = 0;
  let wake = () => {};

  const pump = () => {
    while (running < concurrency && head < ready.length) {
      const work = ready[head] as W;
      head += 1;
      running += 1;
      void work.run().then(() => ended(work.key));
    }
    if (head > 1_024 || (head > 0 && head === ready.length)) {
      ready = ready.slice(head);
      head = 0;
    }
  };

  const ended = (orderId: bigint) => {
    running -= 1;
    const next = orders.get(orderId)?.shift();
    if (next === undefined) {
      orders.delete(orderId);
    } else {
      ready.push(next);
    }
    pump();
    if (running === 0) {
      wake();
    }
  };

  return {
    add(work) {
      const behind = orders.get(work.key);
      if (behind !== undefined) {
        behind.push(work);
        return;
      }
      orders.set(work.key, []);
      ready.push(work);
      pump();
    },
    removePending() {
      const left = [...ready.slice(head), ...[...orders.values()].flat()];
      ready = [];
      head = 0;
      for (const behind of orders.values()) {
        behind.length = 0;
      }
      return left;
    },
    async idle() {
      while (running > 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
