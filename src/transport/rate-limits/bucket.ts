/** How many tokens come back each second, and how many there are at most. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Tokens that are taken and come back by the clock; it begins full. */
export interface Bucket {
  /** Takes them if they are all there. */
  take(tokens: number): boolean;
  /** Takes what is there of them: somebody else has said that they may be taken. */
  spend(tokens: number): void;
  /** When so many will be there, in milliseconds from now. */
  msUntil(tokens: number): number;
}

export function createBucket({ perSecond, burst }: Rate, now: () => number): Bucket {
  let tokens = burst;
  let at = now();
  const refill = () => {
    const time = now();
    tokens = Math.min(burst, tokens + ((time - at) * perSecond) / 1_000);
    at = time;
  };
  return {
    take(wanted) {
      refill();
      if (tokens < wanted) {
        return false;
      }
      tokens -= wanted;
      return true;
    },
    spend(wanted) {
      refill();
      tokens = Math.max(0, tokens - wanted);
    },
    msUntil(wanted) {
      refill();
      return Math.max(0, ((wanted - tokens) * 1_000) / perSecond);
    },
  };
}
