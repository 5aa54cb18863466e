import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { createBatcher } from "../../lib/batcher.ts";

/**
 * Short-lived rights to do something once, in Redis. They make repeats rare; that nothing is
 * forgotten is the ledger's part.
 */
export interface Claims {
  /** Rejects while Redis is away. */
  acquire(key: string): Promise<Claim>;
}

export type Claim =
  | {
      readonly kind: "mine";
      /** It happened: nobody gets the claim again for a long time. */
      markDone(): Promise<void>;
      /** It did not happen: whoever comes next may try. */
      release(): Promise<void>;
    }
  /** It happened already. */
  | { readonly kind: "done" }
  /** Somebody else holds it, for at most so many milliseconds. */
  | { readonly kind: "taken"; readonly remainingMs: number };

const DONE = "done";

/** How long it is remembered that something happened, in milliseconds. */
const REMEMBERED_MS = 7 * 24 * 3_600_000;

/** Claims that go to Redis in one command. */
const MAX_BATCH = 256;

/**
 * Answers for each key -1 when it is done, 0 when it is ours now, else how long somebody else has
 * it.
 */
const TAKE = `
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

/** Only by whoever holds it: the lease may have run out, and be somebody else's by now. */
const RELEASE = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
return 0`;

/**
 * Claims that are taken at the same time go to Redis in one command, and so do those that are done:
 * the client's work for each command is most of what a claim costs.
 *
 * @param leaseMs how long a claim lasts when its owner dies, in milliseconds: longer than what it
 *   is for takes
 * @param scope tells the claims of several installations on one Redis apart
 */
export function createClaims(
  redis: Redis,
  { leaseMs, scope = "" }: { readonly leaseMs: number; readonly scope?: string },
): Claims {
  /** The owner is the batch: of a batch that holds a key twice, one gets it. */
  const takeTogether = createBatcher<string, { readonly owner: string; readonly answer: number }>(
    async (names) => {
      const owner = randomUUID();
      const answers = (await redis.eval(TAKE, names.length, ...names, owner, leaseMs)) as readonly number[];
      return answers.map((answer) => ({ owner, answer }));
    },
    { maxBatch: MAX_BATCH },
  );
  const markTogether = createBatcher<string, undefined>(
    async (names) => {
      await redis.eval(MARK_DONE, names.length, ...names, REMEMBERED_MS);
      return names.map(() => undefined);
    },
    { maxBatch: MAX_BATCH },
  );

  return {
    async acquire(key) {
      const name = `oms:claim:${scope}${key}`;
      const { owner, answer } = await takeTogether(name);
      if (answer < 0) {
        return { kind: "done" };
      }
      if (answer > 0) {
        return { kind: "taken", remainingMs: answer };
      }
      return {
        kind: "mine",
        async markDone() {
          await markTogether(name);
        },
        async release() {
          await redis.eval(RELEASE, 1, name, owner);
        },
      };
    },
  };
}
