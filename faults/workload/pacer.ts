/** Hands out turns at a steady rate, whatever becomes of those that had one: an open loop. */
export interface Pacer {
  /** Resolves when it is the caller's turn. */
  next(): Promise<void>;
  stop(): void;
}

const TICK_MS = 10;

/** Turns that are left over for at most so many ticks: after a stall the rate is not made up for in one burst. */
const BURST_TICKS = 5;

/**
 * @param perSecond turns
 * @param onSpare called for a turn that nobody waits for
 */
export function createPacer(perSecond: number, onSpare: () => void): Pacer {
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
        onSpare();
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
