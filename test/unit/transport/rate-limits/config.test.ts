import { expect, test } from "vitest";
import { readConfig } from "../../../../src/config/load.ts";

const limitsOf = (value: unknown) => readConfig({ OMS_RATE_LIMITS: JSON.stringify(value) }).rateLimits;

test("what each caller may use; a burst is a second's worth unless said", () => {
  expect(readConfig({}).rateLimits).toBeUndefined();
  expect(
    limitsOf({
      "*": { perSecond: 5_000, burst: 10_000, concurrent: 512 },
      tms: { perSecond: 0.5 },
      wms: { watches: 0 },
    }),
  ).toEqual(
    new Map([
      ["*", { rate: { perSecond: 5_000, burst: 10_000 }, concurrent: 512 }],
      ["tms", { rate: { perSecond: 0.5, burst: 1 } }],
      ["wms", { watches: 0 }],
    ]),
  );
});

test.each([
  ["no JSON", "fast"],
  ["a burst of no rate", '{"*":{"burst":5}}'],
  ["a limit that there is not", '{"*":{"perMinute":5}}'],
  ["a rate of nothing", '{"*":{"perSecond":0}}'],
])("%s is refused, with what would be right", (_name, value) => {
  expect(() => readConfig({ OMS_RATE_LIMITS: value })).toThrow(/OMS_RATE_LIMITS is .* a JSON object by caller, "\*"/);
});
