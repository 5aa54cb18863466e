import type { Random } from "../tools/testkit/random.ts";

/** Deals each card of a deck as often as it is in there, in a random order, before the deck is shuffled anew: nothing rare is left out. */
export function createDeck<T>(random: Random, deck: readonly T[]): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) {
      left = [...deck];
    }
    return left.splice(random.below(left.length), 1)[0] as T;
  };
}

/** A whole number, both ends included. */
export function randomBetween(random: Random, [low, high]: readonly [low: number, high: number]): number {
  return low + random.below(high - low + 1);
}
