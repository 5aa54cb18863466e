import { expect, test } from "vitest";
import { createLease } from "../../../../src/transport/rate-limits/lease.ts";
import type { Grant, SharedBuckets } from "../../../../src/transport/rate-limits/shared-buckets.ts";

/** A fake shared bucket, its clock, and the requests for its tokens. */
function createHarness(tokens: number) {
  const requests: number[] = [];
  let time = 0;
  let unavailable = false;
  const shared: SharedBuckets & { tokens: number } = {
    tokens,
    isUnavailable: () => unavailable,
    async take(_caller, _rate, wanted): Promise<Grant | undefined> {
      requests.push(wanted);
      await Promise.resolve();
      if (unavailable) {
        return undefined;
      }
      const granted = Math.min(wanted, Math.floor(shared.tokens));
      shared.tokens -= granted;
      return { tokens: granted, left: shared.tokens };
    },
  };
  return {
    shared,
    requests,
    now: () => time,
    advance: (ms: number) => {
      time += ms;
    },
    failRedis: () => {
      unavailable = true;
    },
  };
}

const RATE = { perSecond: 1_000, burst: 1_000 };

test("1,000 sequential calls request tokens from the shared bucket a few times, and hardly any call waits", async () => {
  const { shared, requests, now } = createHarness(100_000);
  const lease = createLease("tms", RATE, shared, now);
  let waited = 0;
  for (let call = 0; call < 1_000; call += 1) {
    const taken = lease.take(1);
    waited += taken instanceof Promise ? 1 : 0;
    expect(await taken).toBe(0);
  }
  expect(waited).toBeLessThanOrEqual(2);
  expect(requests.length).toBeLessThan(30);
});

test("a whole burst at once takes two or three requests", async () => {
  const { shared, requests, now } = createHarness(1_000);
  const lease = createLease("tms", RATE, shared, now);
  const taken = await Promise.all(Array.from({ length: 1_000 }, () => lease.take(1)));
  expect(taken.filter((ms) => ms === 0)).toHaveLength(1_000);
  expect(requests.length).toBeLessThanOrEqual(3);
});

test("a call beyond the burst gets the time to wait, and causes no request until then", async () => {
  const { shared, requests, now, advance } = createHarness(50);
  const lease = createLease("tms", { perSecond: 10, burst: 50 }, shared, now);
  const taken = await Promise.all(Array.from({ length: 60 }, () => lease.take(1)));
  expect(taken.filter((ms) => ms === 0)).toHaveLength(50);
  expect(taken.at(-1)).toBeCloseTo(100);
  const before = requests.length;
  expect(lease.take(1)).toBeCloseTo(100);
  expect(requests.length).toBe(before);
  advance(100);
  shared.tokens = 1;
  expect(await lease.take(1)).toBe(0);
});

test("a batch needs a token for each of its orders; one larger than the burst needs a full bucket", async () => {
  const { shared, now } = createHarness(100);
  const lease = createLease("tms", { perSecond: 100, burst: 100 }, shared, now);
  expect(await lease.take(1_000)).toBe(0);
  expect(await lease.take(50)).toBeCloseTo(500);
});

test("while Redis is unavailable the local bucket decides at once, and accounts for earlier usage", async () => {
  const { shared, now, failRedis, advance } = createHarness(1_000_000);
  const lease = createLease("tms", { perSecond: 100, burst: 100 }, shared, now);
  await Promise.all(Array.from({ length: 60 }, () => lease.take(1)));
  failRedis();
  const taken = Array.from({ length: 60 }, () => lease.take(1));
  expect(taken.filter((ms) => ms === 0)).toHaveLength(40);
  expect(taken.at(-1)).toBeCloseTo(10);
  advance(10);
  expect(lease.take(1)).toBe(0);
});

test("a call that waits when Redis becomes unavailable is decided by the local bucket", async () => {
  const { shared, now, failRedis } = createHarness(1_000);
  const lease = createLease("tms", RATE, shared, now);
  const first = lease.take(1);
  failRedis();
  expect(first).toBeInstanceOf(Promise);
  expect(await first).toBe(0);
});
