import { expect, onTestFinished, test } from "vitest";
import { openRedis } from "../../../src/integrations/redis.ts";
import { createLease } from "../../../src/transport/rate-limits/lease.ts";
import { createSharedBuckets } from "../../../src/transport/rate-limits/shared-buckets.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/servers.ts";
import { silentLog } from "../nats/support.ts";

const server = useRedis();

/** Time limit of calls to Redis that no call exceeds, in milliseconds. */
const timeoutMs = 20_000;

async function connect() {
  const redis = openRedis({ url: server.url, log: silentLog });
  onTestFinished(() => redis.disconnect());
  await eventually(() => redis.ping());
  return redis;
}

test("servers share a bucket: together they get its tokens, and those added meanwhile", async () => {
  const rate = { perSecond: 1, burst: 500 };
  const leases = await Promise.all(
    [1, 2, 3].map(async () => createLease("shared", rate, createSharedBuckets(await connect(), { timeoutMs }))),
  );
  const startedAt = performance.now();
  const taken = await Promise.all(leases.flatMap((lease) => Array.from({ length: 300 }, () => lease.take(1))));
  const seconds = (performance.now() - startedAt) / 1_000;
  const accepted = taken.filter((ms) => ms === 0).length;
  // A server may hold a leased token that the others need.
  expect(accepted).toBeGreaterThan(500 - leases.length * 2);
  expect(accepted).toBeLessThanOrEqual(500 + Math.ceil(seconds));
});

test("tokens are added at the rate, by the clock of Redis, up to the burst; installations do not share buckets", async () => {
  const redis = await connect();
  const rate = { perSecond: 100, burst: 100 };
  const buckets = createSharedBuckets(redis, { scope: "one_", timeoutMs });
  expect(await buckets.take("back", rate, 100)).toMatchObject({ tokens: 100 });
  const startedAt = performance.now();
  const emptied = await buckets.take("back", rate, 100);
  expect(emptied?.tokens).toBeLessThan(100);
  await eventually(async () => {
    expect(await redis.eval("return redis.call('pttl', KEYS[1])", 1, "oms:limit:one_back")).toBeGreaterThan(0);
    const grant = await buckets.take("back", rate, 20);
    expect(grant?.tokens).toBe(20);
  }, 500);
  expect(performance.now() - startedAt).toBeGreaterThan(150);
  expect(await createSharedBuckets(redis, { scope: "two_", timeoutMs }).take("back", rate, 100)).toMatchObject({
    tokens: 100,
  });
});

test("a Redis that does not answer delays calls by 50 ms once, then not for a second", async () => {
  const redis = await connect();
  const buckets = createSharedBuckets(redis);
  const lease = createLease("frozen", { perSecond: 100, burst: 100 }, buckets);
  expect(await lease.take(1)).toBe(0);
  process.kill(server.pid, "SIGSTOP");
  onTestFinished(() => void process.kill(server.pid, "SIGCONT"));
  const startedAt = performance.now();
  const taken = await Promise.all(Array.from({ length: 200 }, () => lease.take(1)));
  expect(performance.now() - startedAt).toBeLessThan(900);
  expect(taken.filter((ms) => ms === 0).length).toBeGreaterThanOrEqual(99);
  expect(taken.filter((ms) => ms > 0).length).toBeGreaterThan(50);
  expect(buckets.isUnavailable()).toBe(true);
  expect(lease.take(1)).toBeTypeOf("number");
});
