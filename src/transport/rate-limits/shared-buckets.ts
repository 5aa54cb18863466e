import type { Redis } from "ioredis";
import { withTimeout } from "../../lib/async.ts";
import type { Rate } from "./bucket.ts";

/** What the bucket that all servers share gave. */
export interface Grant {
  readonly tokens: number;
  /** What is still in it. */
  readonly left: number;
}

/** A bucket for each caller in Redis, which all servers take from. */
export interface SharedBuckets {
  /** Whether Redis did not answer lately: then it is not asked either. */
  isAway(): boolean;
  /**
   * Takes as many tokens as there are, up to so many; undefined when Redis does not say in time.
   * Never rejects.
   */
  take(caller: string, rate: Rate, tokens: number): Promise<Grant | undefined>;
}

/**
 * How long calls wait for Redis, in milliseconds; many times as long as it takes while it is well.
 */
const ANSWER_MS = 50;

/** How long Redis is left alone after it failed to answer, in milliseconds. */
const AWAY_MS = 1_000;

/** By Redis' clock, as servers' clocks differ. A bucket that would be full again is forgotten. */
const TAKE = `
local per_ms, burst, wanted = ARGV[1] / 1000, tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('time')
local now = time[1] * 1000 + time[2] / 1000
local kept = redis.call('hmget', KEYS[1], 'tokens', 'at')
local tokens = burst
if kept[1] then tokens = math.min(burst, kept[1] + math.max(0, now - kept[2]) * per_ms) end
local given = math.min(wanted, math.floor(tokens))
tokens = tokens - given
redis.call('hset', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.3f', now))
redis.call('pexpire', KEYS[1], math.ceil(burst / per_ms) + 1000)
return {given, string.format('%.6f', tokens)}`;

/**
 * @param scope tells the buckets of several installations on one Redis apart
 */
export function createSharedBuckets(
  redis: Pick<Redis, "eval">,
  { scope = "", now = () => performance.now() }: { readonly scope?: string; readonly now?: () => number } = {},
): SharedBuckets {
  let awayUntil = 0;
  const isAway = () => now() < awayUntil;
  const give = async (caller: string, { perSecond, burst }: Rate, tokens: number): Promise<Grant> => {
    const answer = await redis.eval(TAKE, 1, `oms:limit:${scope}${caller}`, perSecond, burst, tokens);
    const [given, left] = answer as [number, string];
    return { tokens: given, left: Number(left) };
  };
  return {
    isAway,
    async take(caller, rate, tokens) {
      if (isAway()) {
        return undefined;
      }
      const portion = await withTimeout(
        give(caller, rate, tokens).catch(() => undefined),
        ANSWER_MS,
      );
      if (portion === undefined) {
        awayUntil = now() + AWAY_MS;
      }
      return portion;
    },
  };
}
