import { expect, test } from "vitest";
import { readConfig } from "../../../../src/config/load.ts";

const limitsOf = (value: unknown) => readConfig({ OMS_RATE_LIMITS: JSON.stringify(value) }).calls.rateLimits;

test("limits per caller; the default burst is one second's worth", () => {
  expect(readConfig({}).calls.rateLimits).toBeUndefined();
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
  ["invalid JSON", "fast"],
  ["a burst without a rate", '{"*":{"burst":5}}'],
  ["an unknown limit", '{"*":{"perMinute":5}}'],
  ["a rate of zero", '{"*":{"perSecond":0}}'],
])("%s is rejected with what is expected", (_name, value) => {
  expect(() => readConfig({ OMS_RATE_LIMITS: value })).toThrow(
    /OMS_RATE_LIMITS=.* is invalid: expected a JSON object by caller, "\*"/,
  );
});
