import { QueueFullError } from "../store/mysql/errors.ts";

/** What a full queue tells its callers to wait, in milliseconds: a call or two are done by then. */
const RETRY_AFTER_MS = 100;

interface Waiting<In, Out> {
  readonly item: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Makes one call of many: a lone item goes at once (with those of the same turn of the event loop); the items that come while a
 * call is under way go together in the next one. No timer. `work` answers in the order of its items; when it throws, all of its
 * items fail. Beyond `maxQueue` waiting items (default: no bound) the promise rejects with QueueFullError.
 */
export function createBatcher<In, Out>(
  work: (items: readonly In[]) => Promise<readonly Out[]>,
  { max, maxQueue = Number.POSITIVE_INFINITY }: { readonly max: number; readonly maxQueue?: number },
): (item: In) => Promise<Out> {
  let queue: Waiting<In, Out>[] = [];
  let busy = false;

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, max);
      queue = queue.slice(max);
      try {
        const outs = await work(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => {
          resolve(outs[index] as Out);
        });
      } catch (error) {
        for (const { reject } of batch) {
          reject(error);
        }
      }
    }
    busy = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (queue.length >= maxQueue) {
        reject(new QueueFullError(RETRY_AFTER_MS));
        return;
      }
      queue.push({ item, resolve, reject });
      if (!busy) {
        busy = true;
        setImmediate(run);
      }
    });
}
