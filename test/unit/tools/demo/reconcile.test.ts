import { describe, expect, it } from "vitest";
import { messageIdPrefix, percentile, reconcile } from "../../../../tools/demo/reconcile.ts";

describe("reconcile", () => {
  it("finds no differences in any order", () => {
    expect(reconcile(["1-1", "1-2", "1-pause-"], ["1-pause-5f", "1-2", "1-1"])).toEqual({
      expected: 3,
      found: 3,
      lost: [],
      unexpected: [],
      duplicated: [],
    });
  });

  it("distinguishes lost, duplicated and unexpected names", () => {
    const { lost, unexpected, duplicated } = reconcile(
      ["1-1", "1-2", "1-pause-", "1-pause-", "2-shipped-"],
      ["1-1", "1-1", "1-1", "3-1", "1-pause-5f", "2-shipped-aa", "2-shipped-bb"],
    );
    expect({ lost, unexpected, duplicated }).toEqual({
      lost: ["1-2", "1-pause-"],
      unexpected: ["3-1", "2-shipped-"],
      duplicated: ["1-1", "1-1"],
    });
  });

  it("messageIdPrefix keeps what a caller can predict", () => {
    expect(["12-3", "12-pause-5f-6a", "12-invoice-e3b0", "12"].map(messageIdPrefix)).toEqual([
      "12-3",
      "12-pause-",
      "12-invoice-",
      "12",
    ]);
  });

  it("percentile is the nearest rank", () => {
    const values = Array.from({ length: 200 }, (_, index) => index + 1);
    expect([0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([100, 198, 200]);
    expect([percentile([7], 0.01), percentile([], 0.5)]).toEqual([7, 0]);
  });
});
