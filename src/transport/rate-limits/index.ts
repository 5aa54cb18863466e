import type { Rate } from "./bucket.ts";
import { createLease, type Lease } from "./lease.ts";
import type { SharedBuckets } from "./shared-buckets.ts";

export { type AddressLimits, createAddressLimits } from "./address-limits.ts";
export { createSharedBuckets } from "./shared-buckets.ts";

/** The limits of one caller; undefined: unlimited. */
export interface CallerLimit {
  /** Calls per second over all servers. */
  readonly rate?: Rate | undefined;
  /** Maximum calls in flight on one server. */
  readonly concurrent?: number | undefined;
  /** Maximum open watches on one server. */
  readonly watches?: number | undefined;
}

/** Kinds of slots: for calls in flight, and for open watches. */
export type SlotKind = "concurrent" | "watches";

/** The remaining tokens and slots of a caller. */
export interface Allowance {
  /**
   * Takes tokens.
   *
   * @returns 0 if they were available, else the time to wait in milliseconds
   */
  take(tokens: number): number | Promise<number>;
  /** Acquires a slot, to be released; false if there is none. */
  acquire(slot: SlotKind): boolean;
  release(slot: SlotKind): void;
}

/** The allowances of all callers. */
export interface CallerLimits {
  /** Undefined for an unlimited caller. */
  get(caller: string): Allowance | undefined;
}

/** Key of the limits for each caller without limits of its own. */
export const DEFAULT_CALLER = "*";

/**
 * Maximum number of tracked callers without limits of their own: unauthenticated names are
 * arbitrary.
 */
const MAX_TRACKED_CALLERS = 1_000;

interface TrackedAllowance extends Allowance {
  isIdle(): boolean;
}

/** Limits callers by name. Beyond MAX_TRACKED_CALLERS active ones, all share one allowance. */
export function createCallerLimits(
  limits: ReadonlyMap<string, CallerLimit>,
  shared: SharedBuckets,
  now: () => number = () => performance.now(),
): CallerLimits {
  const named = new Map<string, TrackedAllowance>();
  for (const [caller, limit] of limits) {
    if (caller !== DEFAULT_CALLER) {
      named.set(caller, createAllowance(caller, limit, shared, now));
    }
  }
  const limit = limits.get(DEFAULT_CALLER);
  if (limit === undefined) {
    return { get: (caller) => named.get(caller) };
  }
  const others = new Map<string, TrackedAllowance>();
  const overflow = createAllowance(DEFAULT_CALLER, limit, shared, now);
  let sweptAt = Number.NEGATIVE_INFINITY;
  const sweep = () => {
    if (now() - sweptAt < SWEEP_INTERVAL_MS) {
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
      let allowance = named.get(caller) ?? others.get(caller);
      if (allowance === undefined) {
        if (others.size >= MAX_TRACKED_CALLERS) {
          sweep();
        }
        if (others.size >= MAX_TRACKED_CALLERS) {
          return overflow;
        }
        allowance = createAllowance(caller, limit, shared, now);
        others.set(caller, allowance);
      }
      return allowance;
    },
  };
}

/** Minimum interval between sweeps for idle callers, in milliseconds. */
const SWEEP_INTERVAL_MS = 1_000;

/**
 * Time without a call after which a caller is idle, in milliseconds: it has nearly all of its
 * tokens back.
 */
const IDLE_MS = 60_000;

function createAllowance(
  caller: string,
  { rate, ...slots }: CallerLimit,
  shared: SharedBuckets,
  now: () => number,
): TrackedAllowance {
  const lease: Lease = rate === undefined ? { take: () => 0 } : createLease(caller, rate, shared, now);
  const acquired = { concurrent: 0, watches: 0 };
  let lastCallAt = now();
  return {
    take(tokens) {
      lastCallAt = now();
      return lease.take(tokens);
    },
    acquire(slot) {
      lastCallAt = now();
      if (acquired[slot] >= (slots[slot] ?? Number.POSITIVE_INFINITY)) {
        return false;
      }
      acquired[slot] += 1;
      return true;
    },
    release(slot) {
      acquired[slot] -= 1;
    },
    isIdle: () => acquired.concurrent + acquired.watches === 0 && now() - lastCallAt > IDLE_MS,
  };
}
