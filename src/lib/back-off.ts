/** When to try again what failed. */
export interface BackOff {
  /** After the first failure, in milliseconds; doubled at each further one. */
  readonly baseMs: number;
  /** The longest, in milliseconds. */
  readonly capMs: number;
}

/**
 * The pause after so many failed attempts, in milliseconds: exponential with a cap, and a quarter of it by chance, so that what failed
 * together does not come back together.
 *
 * @param attempts 1 or more
 * @param random from 0 to 1
 */
export function backOffMs({ baseMs, capMs }: BackOff, attempts: number, random: number): number {
  const full = Math.min(baseMs * 2 ** Math.min(attempts - 1, 40), capMs);
  return Math.round(full * (0.75 + random / 4));
}
