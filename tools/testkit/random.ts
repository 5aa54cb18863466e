/** A source of chance that gives the same again for the same seed. */
export interface Random {
  /** From 0 up to, and not including, 1. */
  next(): number;
  /** A whole number from 0 up to, and not including, the limit. */
  below(limit: number): number;
  /** True with this share. */
  chance(share: number): boolean;
  /** One of these. */
  pick<T>(of: readonly [T, ...(readonly T[])]): T;
  /** The name of one of these, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
}

/**
 * @param seed of the whole run
 * @param stream tells apart what is drawn side by side: each life has one, so that who comes first changes nobody's decisions
 */
export function createRandom(seed: number, stream = 0): Random {
  // splitmix32: two words mixed into one state.
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35);
  const next = () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick: (of) => of[below(of.length)] ?? of[0],
    weighted(weights) {
      const entries = Object.entries<number>(weights);
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) {
          return name as never;
        }
      }
      return entries[0]?.[0] as never;
    },
  };
}
