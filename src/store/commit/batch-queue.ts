import type { PendingRequest } from "./pending-request.ts";

/** A queue whose batches run one after the other. */
export interface BatchQueue {
  readonly waiting: number;
  push(work: PendingRequest): void;
  /** To the head of the queue. */
  requeue(works: readonly PendingRequest[]): void;
  /** Takes out what has not begun. */
  remove(which: (work: PendingRequest) => boolean): PendingRequest[];
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>;
}

/**
 * Everything that came while a batch was under way is the next batch: no timer. The first one begins at the end of the event loop's
 * turn, together with what came in the same turn.
 */
export function createBatchQueue(
  run: (works: readonly PendingRequest[]) => Promise<void>,
  maxBatch: number,
): BatchQueue {
  let queue: PendingRequest[] = [];
  let running: Promise<void> | undefined;

  async function runAll(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    while (queue.length > 0) {
      const batch = queue.slice(0, maxBatch);
      queue = queue.slice(maxBatch);
      await run(batch);
    }
    running = undefined;
  }

  function wake(): void {
    running ??= runAll();
  }

  return {
    get waiting() {
      return queue.length;
    },
    push(work) {
      queue.push(work);
      wake();
    },
    requeue(works) {
      queue = [...works, ...queue];
      wake();
    },
    remove(which) {
      const taken = queue.filter(which);
      queue = queue.filter((work) => !which(work));
      return taken;
    },
    async idle() {
      while (running !== undefined) {
        await running;
      }
    },
  };
}
