import { createInterruptibleDelay } from "./async.ts";

/** Writes buffered data in the background, one write at a time, so that no caller waits for it. */
export interface BackgroundWriter {
  /** Requests a write; the requests made until it starts share it. Ignored once closed. */
  schedule(): void;
  /** Writes at once what is left, and resolves when it is written or a write fails. */
  close(): Promise<void>;
}

/**
 * The buffer is the caller's: it takes from it in `write`, and bounds it. The timers do not keep
 * the process alive.
 *
 * @param write writes what is buffered, or a part of it. Resolves with true when more can be
 *   written at once; when it rejects, it is called again after `retryMs`, or not at all once the
 *   writer is closed
 */
export function createBackgroundWriter(
  write: () => Promise<boolean>,
  {
    delayMs,
    retryMs,
  }: {
    /** Delay from a request to its write, in milliseconds: later requests join it. */
    readonly delayMs: number;
    /** Delay after a failed write, in milliseconds. */
    readonly retryMs: number;
  },
): BackgroundWriter {
  const delay = createInterruptibleDelay();
  let pending = false;
  let closing = false;
  let running: Promise<void> | undefined;

  const run = async () => {
    let delayed = delayMs;
    while (pending) {
      await (closing || delayed === 0 ? undefined : delay.wait(delayed));
      pending = false;
      try {
        const more = await write();
        pending ||= more;
        delayed = more ? 0 : delayMs;
      } catch {
        if (closing) {
          break;
        }
        pending = true;
        delayed = retryMs;
      }
    }
    running = undefined;
  };

  return {
    schedule() {
      if (!closing) {
        pending = true;
        running ??= run();
      }
    },
    async close() {
      closing = true;
      delay.interrupt();
      await running;
    },
  };
}
