import { createInterruptibleDelay } from "./async.ts";

/** Calls a function again and again, one call at a time, until it is stopped. */
export interface PollLoop {
  /** Ends the current delay; has no effect while a call runs. */
  wake(): void;
  /**
   * Starts the next call no later than after this time, in milliseconds, and no sooner than the
   * minimum delay permits. A call that runs meanwhile does not count.
   */
  wakeWithin(ms: number): void;
  /** Starts no further call, and resolves when the running one has ended. */
  stop(): Promise<void>;
}

export interface PollLoopOptions {
  /** Delay from the end of one call to the start of the next, in milliseconds. */
  readonly intervalMs: number;
  /** Delay before the first call, in milliseconds; by default it starts at once. */
  readonly initialDelayMs?: number;
  /** Minimum delay, in milliseconds, even if the call or `wakeWithin` requests a shorter one. */
  readonly minDelayMs?: number;
  /**
   * Minimum delay, as a multiple of the last call's duration: for calls that grow with the data.
   */
  readonly restFactor?: number;
  /** Receives the error of a call that failed; the loop continues. Not called after `stop`. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Starts a poll loop. Its timer does not keep the process alive.
 *
 * @param poll resolves with the delay until the next call, in milliseconds, or with nothing for the
 *   interval. Its signal is aborted when the loop is stopped
 */
export function createPollLoop(
  // biome-ignore lint/suspicious/noConfusingVoidType: most polls return nothing.
  poll: (signal: AbortSignal) => Promise<number | void>,
  { intervalMs, initialDelayMs = 0, minDelayMs = 0, restFactor = 0, onError = () => {} }: PollLoopOptions,
): PollLoop {
  const stopping = new AbortController();
  const { signal } = stopping;
  const delay = createInterruptibleDelay();
  /** Until when the next call has to start. */
  let requested = Number.POSITIVE_INFINITY;
  /** Whether the current delay was ended. */
  let woken = false;

  const waitUntil = async (planned: number, earliest: number) => {
    woken = false;
    while (!signal.aborted && !woken) {
      const left = Math.max(earliest, Math.min(planned, requested)) - performance.now();
      if (left <= 0) {
        break;
      }
      await delay.wait(Math.ceil(left));
    }
    requested = Number.POSITIVE_INFINITY;
  };

  const run = async () => {
    if (initialDelayMs > 0) {
      const started = performance.now();
      await waitUntil(started + initialDelayMs, started);
    }
    while (!signal.aborted) {
      const started = performance.now();
      let delayMs = intervalMs;
      try {
        delayMs = (await poll(signal)) ?? intervalMs;
      } catch (error) {
        if (!signal.aborted) {
          onError(error);
        }
      }
      const ended = performance.now();
      await waitUntil(ended + delayMs, ended + Math.max(minDelayMs, (ended - started) * restFactor));
    }
  };

  const running = run();
  return {
    wake() {
      woken = true;
      delay.interrupt();
    },
    wakeWithin(ms) {
      const until = performance.now() + ms;
      if (until < requested) {
        requested = until;
        delay.interrupt();
      }
    },
    async stop() {
      stopping.abort();
      delay.interrupt();
      await running;
    },
  };
}
