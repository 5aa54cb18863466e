import type { Redis } from "ioredis";
import { withTimeout } from "../../lib/async.ts";
import type { Rate } from "./bucket.ts";

/** Tokens granted by the shared bucket. */
export interface Grant {
  readonly tokens: number;
  /** Tokens left in the bucket. */
  readonly left: number;
}

/** A token bucket per caller in Redis, shared by all servers. */
export interface SharedBuckets {
  /** Whether Redis failed recently; it is not called for a while then. */
  isUnavailable(): boolean;
  /**
   * Takes as many of the tokens as are available; undefined if Redis does not answer in time. Never
   * rejects.
   */
  take(caller: string, rate: Rate, tokens: number): Promise<Grant | undefined>;
}

/** Time limit of a call to Redis, in milliseconds; many times its usual duration. */
const TIMEOUT_MS = 50;

/** How long Redis is not called after a failure, in milliseconds. */
const UNAVAILABLE_MS = 1_000;

/**
 * Uses the clock of Redis, as those of servers differ. The key of a bucket expires when it would be
 * full.
 */
const TAKE = `
local per_ms, burst, wanted = ARGV[1] / 1000, tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('time')
local now = time[1] * 1000 + time[2] / 1000
local stored = redis.call('hmget', KEYS[1], 'tokens', 'at')
local tokens = burst
if stored[1] then tokens = math.min(burst, stored[1] + math.max(0, now - stored[2]) * per_ms) end
local granted = math.min(wanted, math.floor(tokens))
tokens = tokens - granted
redis.call('hset', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.3f', now))
redis.call('pexpire', KEYS[1], math.ceil(burst / per_ms) + 1000)
return {granted, string.format('%.6f', tokens)}`;

/**
 * @param options.scope separates the buckets of several installations on one Redis
 * @param options.timeoutMs time limit of a call to Redis, in milliseconds; default: 50
 */
export function createSharedBuckets(
  redis: Pick<Redis, "eval">,
  {
    scope = "",
    timeoutMs = TIMEOUT_MS,
    now = () => performance.now(),
  }: { readonly scope?: string; readonly timeoutMs?: number; readonly now?: () => number } = {},
): SharedBuckets {
  let unavailableUntil = 0;
  const isUnavailable = () => now() < unavailableUntil;
  const evaluate = async (caller: string, { perSecond, burst }: Rate, tokens: number): Promise<Grant> => {
    const result = await redis.eval(TAKE, 1, `oms:limit:${scope}${caller}`, perSecond, burst, tokens);
    const [granted, left] = result as [number, string];
    return { tokens: granted, left: Number(left) };
  };
  return {
    isUnavailable,
    async take(caller, rate, tokens) {
      if (isUnavailable()) {
        return undefined;
      }
      const grant = await withTimeout(
        evaluate(caller, rate, tokens).catch(() => undefined),
        timeoutMs,
      );
      if (grant === undefined) {
        unavailableUntil = now() + UNAVAILABLE_MS;
      }
      return grant;
    },
  };
}
