/**
 * Longest wait that a neighbour may ask for, in milliseconds: beyond it our own back-off knows
 * better.
 */
const LONGEST_MS = 3_600_000;

/**
 * What a `Retry-After` header asks for, in milliseconds from now; undefined where it asks for
 * nothing. Seconds and HTTP dates.
 *
 * @param now milliseconds since 1970
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === "") {
    return undefined;
  }
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), LONGEST_MS) : undefined;
}
