/** Hands out call slots at a steady rate, independent of when calls complete (an open loop). */
export interface Pacer {
  /** Resolves at the caller's slot. */
  next(): Promise<void>;
  stop(): void;
}

const TICK_MS = 10;

/** Maximum number of ticks whose unused slots accumulate: after a stall there is no burst. */
const BURST_TICKS = 5;

/**
 * @param perSecond slots
 * @param onUnclaimed called for each slot that no caller is waiting for
 */
export function createPacer(perSecond: number, onUnclaimed: () => void): Pacer {
  let waiting: (() => void)[] = [];
  let head = 0;
  let credit = 0;
  const perTick = (perSecond * TICK_MS) / 1_000;
  let last = performance.now();

  const tick = () => {
    const now = performance.now();
    credit = Math.min(credit + (perTick * (now - last)) / TICK_MS, perTick * BURST_TICKS);
    last = now;
    while (credit >= 1) {
      credit -= 1;
      const next = waiting[head];
      if (next === undefined) {
        onUnclaimed();
      } else {
        head += 1;
        next();
      }
    }
    if (head === waiting.length || head > 4_096) {
      waiting = waiting.slice(head);
      head = 0;
    }
  };

  const timer = setInterval(tick, TICK_MS);
  return {
    next: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
      }),
    stop: () => clearInterval(timer),
  };
}
