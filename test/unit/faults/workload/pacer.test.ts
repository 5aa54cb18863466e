import { expect, test, vi } from "vitest";
import { createPacer } from "../../../../faults/workload/pacer.ts";

test("slots come at the configured rate, and unclaimed slots are reported", async () => {
  vi.useFakeTimers();
  try {
    let unclaimed = 0;
    const pacer = createPacer(200, () => {
      unclaimed += 1;
    });
    let claimed = 0;
    for (let caller = 0; caller < 50; caller += 1) {
      void pacer.next().then(() => {
        claimed += 1;
      });
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect(claimed).toBe(50);
    expect(claimed + unclaimed).toBeGreaterThan(190);
    expect(claimed + unclaimed).toBeLessThanOrEqual(200);
    pacer.stop();
  } finally {
    vi.useRealTimers();
  }
});
