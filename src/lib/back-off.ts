/** Exponential back-off with a cap and jitter. */
export interface BackOff {
  /** Delay after the first failure, in milliseconds; it doubles with each further one. */
  readonly baseMs: number;
  /** Maximum delay, in milliseconds. */
  readonly capMs: number;
  /**
   * The random share of the delay, from 0 to 1 (default 0.25): callers that failed together do not
   * retry together. 1 is "full jitter".
   */
  readonly jitter?: number;
}

/**
 * Delay before the next attempt, in milliseconds.
 *
 * @param attempts failed attempts so far, 1 or more
 * @param random from 0 to 1
 */
export function backOffMs({ baseMs, capMs, jitter = 0.25 }: BackOff, attempts: number, random = Math.random()): number {
  const full = Math.min(baseMs * 2 ** Math.min(attempts - 1, 40), capMs);
  return Math.round(full * (1 - jitter + random * jitter));
}
