/** A seeded source of random values: the same seed gives the same sequence. */
export interface Random {
  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number;
  /** An integer from 0 (inclusive) to the limit (exclusive). */
  below(limit: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** One of these values. */
  pick<T>(of: readonly [T, ...(readonly T[])]): T;
  /** One of these names, with a probability proportional to its weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
}

/**
 * @param seed of the whole run
 * @param stream gives concurrent consumers sequences of their own, so that their interleaving
 * changes no decision
 */
export function createRandom(seed: number, stream = 0): Random {
  // splitmix32, with seed and stream mixed into one state.
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
    chance: (probability) => next() < probability,
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
