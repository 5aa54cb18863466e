import { createBucket, type Rate } from "./bucket.ts";
import type { SharedBuckets } from "./shared-buckets.ts";

/** The tokens of one caller on one server, leased from the shared bucket. */
export interface Lease {
  /**
   * Takes tokens; more than the burst count as the burst.
   *
   * @returns 0 if they were available, else the time to wait in milliseconds
   */
  take(tokens: number): number | Promise<number>;
}

/**
 * A lease covers what the caller may use in this time, in milliseconds: about ten requests to Redis
 * a second.
 */
const LEASE_MS = 100;

/** Maximum share of the burst in one lease. */
const MAX_SHARE_OF_BURST = 0.25;

/** Share of a lease below which the next one is requested. */
const LOW_WATER_MARK = 0.5;

/** Minimum interval between requests while the shared bucket is empty, in milliseconds. */
const RETRY_INTERVAL_MS = 10;

/**
 * Leases a caller's tokens from the shared bucket ahead of need, so that hardly any call waits for
 * Redis. A caller may exceed its burst by the tokens leased to all servers. A local bucket records
 * the same usage, and decides while Redis is unavailable.
 */
export function createLease(
  caller: string,
  rate: Rate,
  shared: SharedBuckets,
  now: () => number = () => performance.now(),
): Lease {
  const size = Math.max(1, Math.floor(Math.min((rate.perSecond * LEASE_MS) / 1_000, rate.burst * MAX_SHARE_OF_BURST)));
  const local = createBucket(rate, now);
  let leased = 0;
  /** Tokens that waiting calls need. */
  let needed = 0;
  let request: Promise<void> | undefined;
  /** The shared bucket when it last had too few tokens. */
  let shortage: { readonly left: number; readonly at: number } | undefined;

  const requestTokens = async () => {
    const tokens = Math.min(rate.burst, Math.max(0, needed - leased) + size);
    const grant = await shared.take(caller, rate, tokens);
    if (grant !== undefined) {
      leased += grant.tokens;
      shortage = grant.tokens < tokens ? { left: grant.left, at: now() } : undefined;
    }
    request = undefined;
  };

  const takeLeased = (tokens: number): boolean => {
    if (leased < tokens) {
      return false;
    }
    leased -= tokens;
    local.spend(tokens);
    return true;
  };

  const takeLocal = (tokens: number): number => (local.take(tokens) ? 0 : Math.max(1, local.msUntil(tokens)));

  /** Time until the shared bucket has the tokens, in milliseconds. */
  const msUntil = (tokens: number): number => {
    const { left, at } = shortage ?? { left: 0, at: now() };
    const availableAt = at + ((tokens - leased - left) * 1_000) / rate.perSecond;
    return Math.max(availableAt, at + RETRY_INTERVAL_MS) - now();
  };

  const isShort = (tokens: number): boolean => shortage !== undefined && msUntil(tokens) > 0;

  const waitForTokens = async (tokens: number): Promise<number> => {
    needed += tokens;
    try {
      while (!takeLeased(tokens)) {
        if (shared.isUnavailable()) {
          return takeLocal(tokens);
        }
        if (isShort(tokens)) {
          return Math.max(1, msUntil(tokens));
        }
        request ??= requestTokens();
        await request;
      }
      return 0;
    } finally {
      needed -= tokens;
    }
  };

  return {
    take(cost) {
      const tokens = Math.min(cost, rate.burst);
      if (shared.isUnavailable()) {
        return takeLocal(tokens);
      }
      if (takeLeased(tokens)) {
        if (leased < size * LOW_WATER_MARK && size > 1 && !isShort(1)) {
          request ??= requestTokens();
        }
        return 0;
      }
      return isShort(tokens) ? Math.max(1, msUntil(tokens)) : waitForTokens(tokens);
    },
  };
}
