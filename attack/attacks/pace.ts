import { setTimeout as sleep } from "node:timers/promises";

/** Traffic of an attacker, in bytes per second. More is a bandwidth attack. */
const BYTES_PER_SECOND = 10_000_000;

/** An attacker is no further ahead of its traffic than this, in milliseconds. */
const AHEAD_MS = 2;

/** Delays each write until its bytes are within the traffic of an attacker. */
export type Pace = (bytes: number) => Promise<void>;

/** Shared by all connections of an attacker. Does not delay further once the signal is aborted. */
export function createPace(signal: AbortSignal, bytesPerSecond = BYTES_PER_SECOND): Pace {
  const startedAt = performance.now();
  let total = 0;
  return async (bytes) => {
    total += bytes;
    const aheadMs = (total / bytesPerSecond) * 1_000 - (performance.now() - startedAt);
    if (aheadMs > AHEAD_MS) {
      await sleep(aheadMs, undefined, { signal }).catch(() => {});
    }
  };
}
