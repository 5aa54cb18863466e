import { expect, test, vi } from "vitest";
import { createPacer } from "../../../../faults/workload/pacer.ts";
import { createRandom } from "../../../../tools/testkit/random.ts";

const draw = (seed: number, stream: number) => {
  const random = createRandom(seed, stream);
  return Array.from({ length: 50 }, () => random.below(1_000));
};

test("the same seed draws the same, another seed or another stream does not", () => {
  expect(draw(7, 3)).toEqual(draw(7, 3));
  expect(draw(7, 3)).not.toEqual(draw(8, 3));
  expect(draw(7, 3)).not.toEqual(draw(7, 4));
});

test("names come as often as their weights say", () => {
  const random = createRandom(1);
  const drawn = Array.from({ length: 4_000 }, () => random.weighted({ often: 3, seldom: 1, never: 0 }));
  const often = drawn.filter((name) => name === "often").length;
  expect(often).toBeGreaterThan(2_800);
  expect(often).toBeLessThan(3_200);
  expect(drawn).not.toContain("never");
});

test("turns come at their rate, and one that nobody waits for is offered", async () => {
  vi.useFakeTimers();
  try {
    let spare = 0;
    const pace = createPacer(200, () => {
      spare += 1;
    });
    let turns = 0;
    for (let caller = 0; caller < 50; caller += 1) {
      void pace.turn().then(() => {
        turns += 1;
      });
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect(turns).toBe(50);
    expect(turns + spare).toBeGreaterThan(190);
    expect(turns + spare).toBeLessThanOrEqual(200);
    pace.stop();
  } finally {
    vi.useRealTimers();
  }
});
