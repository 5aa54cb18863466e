import { createBackgroundWriter } from "./background-writer.ts";

/** Totals by key, collected in memory and written in the background. */
export interface TotalsWriter<Totals> {
  /** The totals of a key, which the caller changes in place, at once. */
  of(key: string): Totals;
  /** Writes what is left; drops what cannot be written now. */
  close(): Promise<void>;
}

/**
 * @param write adds totals to the stored ones, sorted by key: all servers lock rows in one order
 */
export function createTotalsWriter<Totals>(
  write: (totals: readonly (readonly [key: string, Totals])[]) => Promise<void>,
  {
    create,
    merge,
    intervalMs,
  }: {
    /** Totals of nothing. */
    readonly create: () => Totals;
    /** Adds earlier totals, which could not be written, to the current ones. */
    readonly merge: (current: Totals, earlier: Totals) => void;
    /** Interval between two writes, in milliseconds. */
    readonly intervalMs: number;
  },
): TotalsWriter<Totals> {
  let current = new Map<string, Totals>();

  const flush = async () => {
    const taken = current;
    current = new Map();
    try {
      await write([...taken].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      return false;
    } catch (error) {
      for (const [key, earlier] of taken) {
        const newer = current.get(key);
        if (newer === undefined) {
          current.set(key, earlier);
        } else {
          merge(newer, earlier);
        }
      }
      throw error;
    }
  };

  const writer = createBackgroundWriter(flush, { delayMs: intervalMs, retryMs: intervalMs });

  return {
    of(key) {
      let totals = current.get(key);
      if (totals === undefined) {
        totals = create();
        current.set(key, totals);
        writer.schedule();
      }
      return totals;
    },
    close: () => writer.close(),
  };
}
