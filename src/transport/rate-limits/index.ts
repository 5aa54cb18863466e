import type { Rate } from "./bucket.ts";
import { createLease, type Lease } from "./lease.ts";
import type { SharedBuckets } from "./shared-buckets.ts";

export { createSharedBuckets } from "./shared-buckets.ts";

/** What one caller may use; what is not said is not limited. */
export interface CallerLimit {
  /** Calls a second, over all servers, and how many at once after a rest. */
  readonly rate?: Rate | undefined;
  /** Calls under way on one server. */
  readonly concurrent?: number | undefined;
  /** Open watches on one server. */
  readonly watches?: number | undefined;
}

/** Slots that are held for as long as something lasts. */
export type SlotKind = "concurrent" | "watches";

/** What is left to a caller. */
export interface Allowance {
  /**
   * Takes tokens.
   *
   * @returns 0 when they were there, else in how many milliseconds to try again
   */
  take(tokens: number): number | Promise<number>;
  /** Takes a slot, which must be given back; false when there is none. */
  acquire(slot: SlotKind): boolean;
  release(slot: SlotKind): void;
}

/** Says what is left to whom. */
export interface CallerLimits {
  /** Undefined for a caller that is not limited. */
  get(caller: string): Allowance | undefined;
}

/** Limits that hold for each caller that has none of its own. */
export const DEFAULT_CALLER = "*";

/**
 * So many callers are told apart beside those that the limits name: where nobody proves who he is,
 * names are for the taking.
 */
const MAX_CALLERS = 1_000;

interface Kept extends Allowance {
  isIdle(): boolean;
}

/**
 * Holds callers to limits, by their names. Callers beyond the first thousand that are busy share
 * one allowance.
 */
export function createCallerLimits(
  limits: ReadonlyMap<string, CallerLimit>,
  shared: SharedBuckets,
  now: () => number = () => performance.now(),
): CallerLimits {
  const named = new Map<string, Kept>();
  for (const [caller, limit] of limits) {
    if (caller !== DEFAULT_CALLER) {
      named.set(caller, createAllowance(caller, limit, shared, now));
    }
  }
  const limit = limits.get(DEFAULT_CALLER);
  if (limit === undefined) {
    return { get: (caller) => named.get(caller) };
  }
  const others = new Map<string, Kept>();
  const rest = createAllowance(DEFAULT_CALLER, limit, shared, now);
  let sweptAt = Number.NEGATIVE_INFINITY;
  const sweep = () => {
    if (now() - sweptAt < SWEEP_MS) {
      return;
    }
    sweptAt = now();
    for (const [caller, allowance] of others) {
      if (allowance.isIdle()) {
        others.delete(caller);
      }
    }
  };
  return {
    get(caller) {
      let known = named.get(caller) ?? others.get(caller);
      if (known === undefined) {
        if (others.size >= MAX_CALLERS) {
          sweep();
        }
        if (others.size >= MAX_CALLERS) {
          return rest;
        }
        known = createAllowance(caller, limit, shared, now);
        others.set(caller, known);
      }
      return known;
    },
  };
}

/** How often room is looked for among the callers that nobody named, in milliseconds. */
const SWEEP_MS = 1_000;

/**
 * A caller that has not called for this long, in milliseconds, has all of its tokens back, or
 * nearly so.
 */
const IDLE_MS = 60_000;

function createAllowance(
  caller: string,
  { rate, ...slots }: CallerLimit,
  shared: SharedBuckets,
  now: () => number,
): Kept {
  const lease: Lease = rate === undefined ? { take: () => 0 } : createLease(caller, rate, shared, now);
  const held = { concurrent: 0, watches: 0 };
  let calledAt = now();
  return {
    take(tokens) {
      calledAt = now();
      return lease.take(tokens);
    },
    acquire(slot) {
      calledAt = now();
      if (held[slot] >= (slots[slot] ?? Number.POSITIVE_INFINITY)) {
        return false;
      }
      held[slot] += 1;
      return true;
    },
    release(slot) {
      held[slot] -= 1;
    },
    isIdle: () => held.concurrent + held.watches === 0 && now() - calledAt > IDLE_MS,
  };
}
