import { expect, test, vi } from "vitest";
import { createLogger } from "../../../../src/observability/log.ts";
import { createAddressLimits, networkOf } from "../../../../src/transport/rate-limits/address-limits.ts";

/** Limits of five calls per second, and 10 at once. */
function createHarness(perSecond = 5) {
  let time = 0;
  const log: Record<string, unknown>[] = [];
  const inc = vi.fn();
  const limits = createAddressLimits({
    perSecond,
    log: createLogger("info", { write: (line: string) => void log.push(JSON.parse(line)) }),
    metrics: { addressLimited: { inc } as never },
    now: () => time,
  });
  return {
    limits,
    log,
    inc,
    wait(ms: number) {
      time += ms;
    },
    /** How many of a number of calls are accepted. */
    accepted: (count: number, take: () => boolean) => Array.from({ length: count }, take).filter(Boolean).length,
  };
}

test("each kind and each address has its own limit; the cost counts", () => {
  const { limits, accepted, wait, log, inc } = createHarness();
  expect(accepted(20, () => limits.take("open", "192.0.2.1"))).toBe(10);
  expect(accepted(20, () => limits.take("health", "192.0.2.1"))).toBe(10);
  expect(accepted(20, () => limits.take("open", "192.0.2.2", 5))).toBe(2);
  wait(400);
  expect(accepted(20, () => limits.take("open", "192.0.2.1"))).toBe(2);
  expect(inc.mock.calls.filter(([labels]) => labels.kind === "health")).toHaveLength(10);
  expect(log).toContainEqual(
    expect.objectContaining({
      level: "warn",
      msg: "address exceeded its rate limit",
      kind: "open",
      address: "192.0.2.1",
    }),
  );
});

test("attempts to authenticate count only if they fail", () => {
  const { limits, accepted, wait } = createHarness();
  const attempt = (succeeded: boolean) => () => {
    const begun = limits.authenticate("192.0.2.1");
    begun?.end(succeeded);
    return begun !== undefined;
  };
  expect(accepted(1_000, attempt(true))).toBe(1_000);
  expect(accepted(20, attempt(false))).toBe(10);
  expect(accepted(20, attempt(true))).toBe(0);
  wait(200);
  expect(accepted(20, attempt(true))).toBe(20);
});

test("a burst of failures that are not known yet is paid off later", () => {
  const { limits, accepted, wait } = createHarness();
  const begun = Array.from({ length: 3_000 }, () => limits.authenticate("192.0.2.1")).filter(Boolean);
  expect(begun).toHaveLength(2_048);
  for (const attempt of begun) {
    attempt?.end(false);
  }
  wait(2_000);
  expect(accepted(1, () => limits.authenticate("192.0.2.1") !== undefined)).toBe(0);
  wait(220);
  expect(accepted(1, () => limits.authenticate("192.0.2.1") !== undefined)).toBe(1);
});

test("the number of addresses is bounded; the one unused for the longest time is forgotten", () => {
  const { limits, accepted } = createHarness();
  const drain = (address: string) => accepted(20, () => limits.take("open", address));
  expect([drain("first"), drain("second")]).toEqual([10, 10]);
  for (let other = 0; other < 9_998; other += 1) {
    limits.take("open", `other ${other}`);
  }
  expect(drain("first")).toBe(0);
  limits.take("open", "one more");
  expect([drain("first"), drain("second")]).toEqual([0, 10]);
});

test("0 calls per second: no limit", () => {
  const { limits, accepted } = createHarness(0);
  expect(accepted(10_000, () => limits.take("open", "192.0.2.1"))).toBe(10_000);
  expect(limits.authenticate("192.0.2.1")).toBeDefined();
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1:2:3:4%eth0", "fe80:0:0:0::/64"],
])("the network of %s is %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
