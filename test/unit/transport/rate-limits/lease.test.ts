import { expect, test } from "vitest";
import { createLease } from "../../../../src/transport/rate-limits/lease.ts";
import type { Grant, SharedBuckets } from "../../../../src/transport/rate-limits/shared-buckets.ts";

/** A shared bucket of the test's own: so many tokens, and every request for them. */
function world(tokens: number) {
  const asked: number[] = [];
  let time = 0;
  let away = false;
  const shared: SharedBuckets & { tokens: number } = {
    tokens,
    isAway: () => away,
    async take(_caller, _rate, wanted): Promise<Grant | undefined> {
      asked.push(wanted);
      await Promise.resolve();
      if (away) {
        return undefined;
      }
      const given = Math.min(wanted, Math.floor(shared.tokens));
      shared.tokens -= given;
      return { tokens: given, left: shared.tokens };
    },
  };
  return {
    shared,
    asked,
    now: () => time,
    pass: (ms: number) => {
      time += ms;
    },
    goAway: () => {
      away = true;
    },
  };
}

const RATE = { perSecond: 1_000, burst: 1_000 };

test("a thousand calls one after the other ask the shared bucket a few times, and hardly any waits for it", async () => {
  const { shared, asked, now } = world(100_000);
  const lease = createLease("tms", RATE, shared, now);
  let waited = 0;
  for (let call = 0; call < 1_000; call += 1) {
    const taken = lease.take(1);
    waited += taken instanceof Promise ? 1 : 0;
    expect(await taken).toBe(0);
  }
  expect(waited).toBeLessThanOrEqual(2);
  expect(asked.length).toBeLessThan(30);
});

test("a whole burst at once is let through by two requests", async () => {
  const { shared, asked, now } = world(1_000);
  const lease = createLease("tms", RATE, shared, now);
  const taken = await Promise.all(Array.from({ length: 1_000 }, () => lease.take(1)));
  expect(taken.filter((ms) => ms === 0)).toHaveLength(1_000);
  expect(asked.length).toBeLessThanOrEqual(3);
});

test("what is beyond the burst is told when to come back, and asks nobody until then", async () => {
  const { shared, asked, now, pass } = world(50);
  const lease = createLease("tms", { perSecond: 10, burst: 50 }, shared, now);
  const taken = await Promise.all(Array.from({ length: 60 }, () => lease.take(1)));
  expect(taken.filter((ms) => ms === 0)).toHaveLength(50);
  expect(taken.at(-1)).toBeCloseTo(100);
  const before = asked.length;
  expect(lease.take(1)).toBeCloseTo(100);
  expect(asked.length).toBe(before);
  pass(100);
  shared.tokens = 1;
  expect(await lease.take(1)).toBe(0);
});

test("a batch waits for as many tokens as it has orders; one greater than the burst is let through by a full bucket", async () => {
  const { shared, now } = world(100);
  const lease = createLease("tms", { perSecond: 100, burst: 100 }, shared, now);
  expect(await lease.take(1_000)).toBe(0);
  expect(await lease.take(50)).toBeCloseTo(500);
});

test("while Redis is away the server's own bucket decides at once, and knows what was used before", async () => {
  const { shared, now, goAway, pass } = world(1_000_000);
  const lease = createLease("tms", { perSecond: 100, burst: 100 }, shared, now);
  await Promise.all(Array.from({ length: 60 }, () => lease.take(1)));
  goAway();
  const taken = Array.from({ length: 60 }, () => lease.take(1));
  expect(taken.filter((ms) => ms === 0)).toHaveLength(40);
  expect(taken.at(-1)).toBeCloseTo(10);
  pass(10);
  expect(lease.take(1)).toBe(0);
});

test("a call that waits when Redis goes away is decided by the server's own bucket", async () => {
  const { shared, now, goAway } = world(1_000);
  const lease = createLease("tms", RATE, shared, now);
  const first = lease.take(1);
  goAway();
  expect(first).toBeInstanceOf(Promise);
  expect(await first).toBe(0);
});
