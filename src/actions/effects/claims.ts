import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { createBatcher } from "../../lib/batcher.ts";

/**
 * Short-lived rights to do something once, in Redis. They make repeats rare; that nothing is lost
 * is the ledger's part.
 */
export interface Claims {
  /** Rejects while Redis is unavailable. */
  acquire(key: string): Promise<Claim>;
}

export type Claim =
  | {
      readonly kind: "acquired";
      /** It was done: the key cannot be acquired again for a long time. */
      markDone(): Promise<void>;
      /** It was not done: the next caller may try. */
      release(): Promise<void>;
    }
  /** It was done before. */
  | { readonly kind: "done" }
  /** Another worker holds the claim, for at most this many milliseconds. */
  | { readonly kind: "held"; readonly remainingMs: number };

const DONE = "done";

/** Time for which a key is remembered as done, in milliseconds. */
const DONE_TTL_MS = 7 * 24 * 3_600_000;

/** Maximum number of claims in one command. */
const MAX_BATCH = 256;

/** Time for which keys are collected for one command, in milliseconds: part of the latency. */
const WINDOW_MS = 1;

/**
 * Returns for each key -1 when it is done, 0 when it was acquired, else the holder's remaining
 * time.
 */
const ACQUIRE = `
local answers = {}
for place, name in ipairs(KEYS) do
  local value = redis.call('get', name)
  if value == '${DONE}' then
    answers[place] = -1
  elseif value then
    answers[place] = math.max(redis.call('pttl', name), 1)
  else
    redis.call('set', name, ARGV[1], 'px', ARGV[2])
    answers[place] = 0
  end
end
return answers`;

const MARK_DONE = `
for _, name in ipairs(KEYS) do redis.call('set', name, '${DONE}', 'px', ARGV[1]) end
return #KEYS`;

/** Only for the holder: the lease may have expired, and the claim be another worker's. */
const RELEASE = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`;

/**
 * Concurrent calls share a command, as the client's work per command is most of a claim's cost.
 *
 * @param leaseMs duration of a claim whose holder died, in milliseconds: longer than the work takes
 * @param scope separates the claims of several installations in one Redis
 */
export function createClaims(
  redis: Redis,
  { leaseMs, scope = "" }: { readonly leaseMs: number; readonly scope?: string },
): Claims {
  // The batch is the holder: where it contains a key twice, one call acquires it.
  const acquireAll = createBatcher<string, { readonly holder: string; readonly answer: number }>(
    async (names) => {
      const holder = randomUUID();
      const answers = (await redis.eval(ACQUIRE, names.length, ...names, holder, leaseMs)) as readonly number[];
      return answers.map((answer) => ({ holder, answer }));
    },
    { maxBatch: MAX_BATCH, windowMs: WINDOW_MS },
  );
  const markAllDone = createBatcher<string, undefined>(
    async (names) => {
      await redis.eval(MARK_DONE, names.length, ...names, DONE_TTL_MS);
      return names.map(() => undefined);
    },
    { maxBatch: MAX_BATCH, windowMs: WINDOW_MS },
  );

  return {
    async acquire(key) {
      const name = `oms:claim:${scope}${key}`;
      const { holder, answer } = await acquireAll(name);
      if (answer < 0) {
        return { kind: "done" };
      }
      if (answer > 0) {
        return { kind: "held", remainingMs: answer };
      }
      return {
        kind: "acquired",
        async markDone() {
          await markAllDone(name);
        },
        async release() {
          await redis.eval(RELEASE, 1, name, holder);
        },
      };
    },
  };
}
