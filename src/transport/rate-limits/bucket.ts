/** The rate of a token bucket. */
export interface Rate {
  /** Tokens added each second. */
  readonly perSecond: number;
  /** Capacity. */
  readonly burst: number;
}

/** A token bucket; initially full. */
export interface Bucket {
  /** Takes the tokens if all are available. */
  take(tokens: number): boolean;
  /** Takes as many of the tokens as are available: another bucket has already granted them. */
  spend(tokens: number): void;
  /** Takes the tokens even if they are not available; the bucket owes at most its capacity. */
  charge(tokens: number): void;
  /** Time until the tokens are available, in milliseconds. */
  msUntil(tokens: number): number;
}

export function createBucket({ perSecond, burst }: Rate, now: () => number): Bucket {
  let available = burst;
  let refilledAt = now();
  const refill = () => {
    const time = now();
    available = Math.min(burst, available + ((time - refilledAt) * perSecond) / 1_000);
    refilledAt = time;
  };
  return {
    take(tokens) {
      refill();
      if (available < tokens) {
        return false;
      }
      available -= tokens;
      return true;
    },
    spend(tokens) {
      refill();
      available = Math.max(0, available - tokens);
    },
    charge(tokens) {
      refill();
      available = Math.max(-burst, available - tokens);
    },
    msUntil(tokens) {
      refill();
      return Math.max(0, ((tokens - available) * 1_000) / perSecond);
    },
  };
}
