import { createInterruptibleDelay } from "./async.ts";

/** Calls a function again and again, one call at a time, until it is stopped. */
export interface PollLoop {
  /** Ends the current delay; has no effect while a call runs. */
  wake(): void;
  /** Starts no further call, and resolves when the running one has ended. */
  stop(): Promise<void>;
}

export interface PollLoopOptions {
  /** Delay from the end of one call to the start of the next, in milliseconds. */
  readonly intervalMs: number;
  /** Delay before the first call, in milliseconds; by default it starts at once. */
  readonly initialDelayMs?: number;
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
 * @param poll its signal is aborted when the loop is stopped
 */
export function createPollLoop(
  poll: (signal: AbortSignal) => Promise<void>,
  { intervalMs, initialDelayMs = 0, restFactor = 0, onError = () => {} }: PollLoopOptions,
): PollLoop {
  const stopping = new AbortController();
  const { signal } = stopping;
  const delay = createInterruptibleDelay();

  const run = async () => {
    if (initialDelayMs > 0) {
      await delay.wait(initialDelayMs);
    }
    while (!signal.aborted) {
      const started = performance.now();
      try {
        await poll(signal);
      } catch (error) {
        if (!signal.aborted) {
          onError(error);
        }
      }
      if (!signal.aborted) {
        await delay.wait(Math.max(intervalMs, (performance.now() - started) * restFactor));
      }
    }
  };

  const running = run();
  return {
    wake: () => delay.interrupt(),
    async stop() {
      stopping.abort();
      delay.interrupt();
      await running;
    },
  };
}
