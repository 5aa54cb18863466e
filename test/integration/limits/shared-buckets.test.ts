import { expect, onTestFinished, test, vi } from "vitest";
import { openRedis } from "../../../src/integrations/redis.ts";
import { createLease } from "../../../src/transport/rate-limits/lease.ts";
import { createSharedBuckets } from "../../../src/transport/rate-limits/shared-buckets.ts";
import { useRedis } from "../../support/servers.ts";
import { silentLog } from "../nats/support.ts";

const server = useRedis();

async function connect() {
  const redis = openRedis({ url: server.url, log: silentLog });
  onTestFinished(() => redis.disconnect());
  await vi.waitFor(() => redis.ping(), 10_000);
  return redis;
}

test("servers share a bucket: together they get what is in it, and what comes back meanwhile", async () => {
  const rate = { perSecond: 1, burst: 500 };
  const leases = await Promise.all(
    [1, 2, 3].map(async () => createLease("shared", rate, createSharedBuckets(await connect()))),
  );
  const begin = performance.now();
  const taken = await Promise.all(leases.flatMap((lease) => Array.from({ length: 300 }, () => lease.take(1))));
  const seconds = (performance.now() - begin) / 1_000;
  const letIn = taken.filter((ms) => ms === 0).length;
  // A server may hold a token that the others could have used.
  expect(letIn).toBeGreaterThan(500 - leases.length * 2);
  expect(letIn).toBeLessThanOrEqual(500 + Math.ceil(seconds));
});

test("tokens come back at the rate, by Redis' clock, up to the burst; installations do not share", async () => {
  const redis = await connect();
  const rate = { perSecond: 1_000, burst: 100 };
  const buckets = createSharedBuckets(redis, { scope: "one_" });
  expect(await buckets.take("back", rate, 100)).toMatchObject({ tokens: 100 });
  const begin = performance.now();
  const emptied = await buckets.take("back", rate, 100);
  expect(emptied?.tokens).toBeLessThan(100);
  await vi.waitFor(async () => {
    expect(await redis.eval("return redis.call('pttl', KEYS[1])", 1, "oms:limit:one_back")).toBeGreaterThan(0);
    const portion = await buckets.take("back", rate, 20);
    expect(portion?.tokens).toBe(20);
  });
  expect(performance.now() - begin).toBeLessThan(5_000);
  expect(await createSharedBuckets(redis, { scope: "two_" }).take("back", rate, 100)).toMatchObject({ tokens: 100 });
});

test("a Redis that does not answer holds a call up for 50 ms, and the next second's calls not at all", async () => {
  const redis = await connect();
  const buckets = createSharedBuckets(redis);
  const lease = createLease("frozen", { perSecond: 100, burst: 100 }, buckets);
  expect(await lease.take(1)).toBe(0);
  process.kill(server.pid, "SIGSTOP");
  onTestFinished(() => void process.kill(server.pid, "SIGCONT"));
  const begin = performance.now();
  const taken = await Promise.all(Array.from({ length: 200 }, () => lease.take(1)));
  expect(performance.now() - begin).toBeLessThan(500);
  expect(taken.filter((ms) => ms === 0).length).toBeGreaterThanOrEqual(99);
  expect(taken.filter((ms) => ms > 0).length).toBeGreaterThan(50);
  expect(buckets.isAway()).toBe(true);
  expect(lease.take(1)).toBeTypeOf("number");
});
