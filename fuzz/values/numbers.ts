import type { Random } from "../../tools/testkit/random.ts";
import type { Fixture } from "./fixture.ts";

const LARGE: readonly [bigint, ...bigint[]] = [
  0n,
  1n,
  -1n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];

const SMALL: readonly [number, ...number[]] = [0, 1, -1, 2, 100, 1000, 1001, 2 ** 31 - 1, -(2 ** 31)];

/** A whole number of 64 bits: mostly an order's. */
export function anyInt64(random: Random, { orderIds }: Fixture): bigint {
  switch (random.weighted({ order: 12, odd: 2, random: 1 })) {
    case "order":
      return orderIds[random.below(orderIds.length)] ?? 1n;
    case "odd":
      return random.pick(LARGE);
    case "random":
      return BigInt.asIntN(64, (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32)));
  }
}

/** A whole number of 32 bits. */
export function anyInt32(random: Random): number {
  switch (random.weighted({ few: 6, odd: 2, random: 1 })) {
    case "few":
      return random.below(10);
    case "odd":
      return random.pick(SMALL);
    case "random":
      return random.below(2 ** 32) | 0;
  }
}

/** How many of something there are: mostly few, now and then as many as a limit allows, or more. */
export function anyCount(random: Random): number {
  return random.chance(0.002) ? ([999, 1_000, 1_001, 3_000][random.below(4)] ?? 1_000) : random.below(4);
}
