import { expect, test } from "vitest";
import { cpuPerChange, pairedRatios, summarize, summaryOf } from "../../../bench/statistics.ts";

test("a summary holds median, lowest and highest value", () => {
  expect(summaryOf([3, 1, 2])).toEqual({ median: 2, lowest: 1, highest: 3 });
  expect(summaryOf([4, 1, 2, 3])).toEqual({ median: 2.5, lowest: 1, highest: 4 });
  expect(summaryOf([])).toEqual({ median: 0, lowest: 0, highest: 0 });
});

test("each measurement is summarised over the rounds that have it", () => {
  expect(summarize({ service: [{ a: 1, b: 5 }, { a: 3 }] })).toEqual({
    service: { a: { median: 2, lowest: 1, highest: 3 }, b: { median: 5, lowest: 5, highest: 5 } },
  });
});

test("the ratio of a pair is after divided by before, and the median is taken over the pairs", () => {
  const pairs = [
    { before: { rate: 100 }, after: { rate: 90 } },
    // Another load on the machine halves both runs of this pair.
    { before: { rate: 50 }, after: { rate: 55 } },
    { before: { rate: 100 }, after: { rate: 100 } },
  ];
  expect(pairedRatios(pairs)).toEqual([
    {
      name: "rate",
      before: { median: 100, lowest: 50, highest: 100 },
      after: { median: 90, lowest: 55, highest: 100 },
      ratio: { median: 1, lowest: 0.9, highest: 1.1 },
      pairs: 3,
    },
  ]);
});

test("a measurement that only one run of a pair has is left out", () => {
  expect(pairedRatios([{ before: { a: 1, b: 0 }, after: { b: 2, c: 3 } }])).toEqual([]);
});

test("processor time per change: of each process and of all, in microseconds", () => {
  expect(cpuPerChange({ server: 1, nats: 0.5 }, { server: 3, nats: 0.5 }, 1_000)).toEqual({
    "server µs/change": 2_000,
    "nats µs/change": 0,
    "all µs/change": 2_000,
  });
});
