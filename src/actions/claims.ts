import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";

/** Short-lived rights to do something once, in Redis. They make repeats rare; that nothing is forgotten is the ledger's part. */
export interface Claims {
  /** Rejects while Redis is away. */
  take(key: string): Promise<Claim>;
}

export type Claim =
  | {
      readonly kind: "mine";
      /** It happened: nobody gets the claim again for a long time. */
      done(): Promise<void>;
      /** It did not happen: whoever comes next may try. */
      release(): Promise<void>;
    }
  /** It happened already. */
  | { readonly kind: "done" }
  /** Somebody else holds it, for at most so many milliseconds. */
  | { readonly kind: "taken"; readonly forMs: number };

const DONE = "done";

/** How long it is remembered that something happened, in milliseconds. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;

/** Answers -1 when it is done, 0 when it is ours now, else how long somebody else has it. */
const TAKE = `
local value = redis.call('get', KEYS[1])
if value == '${DONE}' then return -1 end
if value then return math.max(redis.call('pttl', KEYS[1]), 1) end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return 0`;

/** Only by whoever holds it: the lease may have run out, and be somebody else's by now. */
const RELEASE = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`;

/**
 * @param leaseMs how long a claim lasts when its owner dies, in milliseconds: longer than what it is for takes
 * @param scope tells the claims of several installations on one Redis apart
 */
export function createClaims(
  redis: Redis,
  { leaseMs, scope = "" }: { readonly leaseMs: number; readonly scope?: string },
): Claims {
  return {
    async take(key) {
      const name = `oms:claim:${scope}${key}`;
      const owner = randomUUID();
      const answer = Number(await redis.eval(TAKE, 1, name, owner, leaseMs));
      if (answer < 0) {
        return { kind: "done" };
      }
      if (answer > 0) {
        return { kind: "taken", forMs: answer };
      }
      return {
        kind: "mine",
        async done() {
          await redis.set(name, DONE, "PX", REMEMBERED_MS);
        },
        async release() {
          await redis.eval(RELEASE, 1, name, owner);
        },
      };
    },
  };
}
