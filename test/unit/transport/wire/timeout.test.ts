import { expect, test } from "vitest";
import { MAX_TIMEOUT_MS } from "../../../../src/transport/limits.ts";
import { dropLongTimeouts, parseGrpcTimeout } from "../../../../src/transport/wire/timeout.ts";

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3_000],
  ["4m", 4],
  ["5u", 0.005],
  ["6n", 0.000006],
  ["99999999H", 99_999_999 * 3_600_000],
  ["", undefined],
  ["5", undefined],
  ["-1S", undefined],
  ["1.5S", undefined],
  ["100000000S", undefined],
])("grpc-timeout %j is %s ms", (header, ms) => {
  expect(parseGrpcTimeout(header)).toBe(ms);
});

test("timeouts beyond the timer limit are removed, others kept", () => {
  const headers = new Headers({ "connect-timeout-ms": String(MAX_TIMEOUT_MS + 1), "grpc-timeout": "597H" });
  dropLongTimeouts(headers);
  expect([...headers]).toEqual([]);
  const valid = { "connect-timeout-ms": String(MAX_TIMEOUT_MS), "grpc-timeout": "596H" };
  const kept = new Headers(valid);
  dropLongTimeouts(kept);
  expect(Object.fromEntries(kept)).toEqual(valid);
});
