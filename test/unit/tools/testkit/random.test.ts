import { expect, test } from "vitest";
import { createRandom } from "../../../../tools/testkit/random.ts";

const draw = (seed: number, stream: number) => {
  const random = createRandom(seed, stream);
  return Array.from({ length: 50 }, () => random.below(1_000));
};

test("the sequence depends on seed and stream only", () => {
  expect(draw(7, 3)).toEqual(draw(7, 3));
  expect(draw(7, 3)).not.toEqual(draw(8, 3));
  expect(draw(7, 3)).not.toEqual(draw(7, 4));
});

test("weighted() draws each name in proportion to its weight", () => {
  const random = createRandom(1);
  const drawn = Array.from({ length: 4_000 }, () => random.weighted({ often: 3, seldom: 1, never: 0 }));
  const often = drawn.filter((name) => name === "often").length;
  expect(often).toBeGreaterThan(2_800);
  expect(often).toBeLessThan(3_200);
  expect(drawn).not.toContain("never");
});
