import { createBucket, type Rate } from "./bucket.ts";
import type { SharedBuckets } from "./shared-buckets.ts";

/** A caller's tokens as one server has them. */
export interface Lease {
  /**
   * Takes tokens; more than the burst count as the burst.
   *
   * @returns 0 when they were there, else in how many milliseconds to try again
   */
  take(tokens: number): number | Promise<number>;
}

/**
 * A portion is what a caller may use in this time, in milliseconds: with so many in hand a server
 * asks about ten times a second.
 */
const PORTION_MS = 100;

/** A server has at most this share of the burst in hand. */
const SHARE_OF_BURST = 0.25;

/** Below this share of a portion the next one is asked for. */
const LOW = 0.5;

/** When the shared bucket is empty, it is not asked again for this long, in milliseconds. */
const PAUSE_MS = 10;

/**
 * Takes a caller's tokens from the shared bucket in portions and ahead of need, so that hardly any
 * call waits for Redis; what is in hand is what servers together may go beyond the burst. A bucket
 * of the server's own keeps the same book: it decides while Redis is away.
 */
export function createLease(
  caller: string,
  rate: Rate,
  shared: SharedBuckets,
  now: () => number = () => performance.now(),
): Lease {
  const portion = Math.max(1, Math.floor(Math.min((rate.perSecond * PORTION_MS) / 1_000, rate.burst * SHARE_OF_BURST)));
  const own = createBucket(rate, now);
  let inHand = 0;
  /** What calls that wait are in need of. */
  let wanted = 0;
  let asked: Promise<void> | undefined;
  /** The shared bucket as of the last look, when it had too little. */
  let shortage: { readonly left: number; readonly at: number } | undefined;

  const ask = async () => {
    const tokens = Math.min(rate.burst, Math.max(0, wanted - inHand) + portion);
    const answer = await shared.take(caller, rate, tokens);
    if (answer !== undefined) {
      inHand += answer.tokens;
      shortage = answer.tokens < tokens ? { left: answer.left, at: now() } : undefined;
    }
    asked = undefined;
  };

  const takeInHand = (tokens: number): boolean => {
    if (inHand < tokens) {
      return false;
    }
    inHand -= tokens;
    own.spend(tokens);
    return true;
  };

  const msUntil = (tokens: number): number => {
    const { left, at } = shortage ?? { left: 0, at: now() };
    const there = at + ((tokens - inHand - left) * 1_000) / rate.perSecond;
    return Math.max(there, at + PAUSE_MS) - now();
  };

  const isShort = (tokens: number): boolean => shortage !== undefined && msUntil(tokens) > 0;

  const takeOwn = (tokens: number): number => (own.take(tokens) ? 0 : Math.max(1, own.msUntil(tokens)));

  const wait = async (tokens: number): Promise<number> => {
    wanted += tokens;
    try {
      while (!takeInHand(tokens)) {
        if (shared.isAway()) {
          return takeOwn(tokens);
        }
        if (isShort(tokens)) {
          return Math.max(1, msUntil(tokens));
        }
        asked ??= ask();
        await asked;
      }
      return 0;
    } finally {
      wanted -= tokens;
    }
  };

  return {
    take(cost) {
      const tokens = Math.min(cost, rate.burst);
      if (shared.isAway()) {
        return takeOwn(tokens);
      }
      if (takeInHand(tokens)) {
        if (inHand < portion * LOW && portion > 1 && !isShort(1)) {
          asked ??= ask();
        }
        return 0;
      }
      return isShort(tokens) ? Math.max(1, msUntil(tokens)) : wait(tokens);
    },
  };
}
