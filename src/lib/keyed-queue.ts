/** Runs work with a bound on how much at a time, and the work of one order one after the other, in the order of coming. */
export interface Lane<W extends Work> {
  put(work: W): void;
  /** Gives back what has not begun; what runs goes on. */
  empty(): W[];
  /** Resolves when nothing runs. */
  idle(): Promise<void>;
}

export interface Work {
  readonly orderId: bigint;
  /** Must not reject. */
  run(): Promise<void>;
}

export function createLane<W extends Work>(concurrency: number): Lane<W> {
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
      void work.run().then(() => ended(work.orderId));
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
    put(work) {
      const behind = orders.get(work.orderId);
      if (behind !== undefined) {
        behind.push(work);
        return;
      }
      orders.set(work.orderId, []);
      ready.push(work);
      pump();
    },
    empty() {
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
