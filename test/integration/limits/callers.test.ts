import { Code, ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { createCallerLimits } from "../../../src/transport/rate-limits/index.ts";
import type { SharedBuckets } from "../../../src/transport/rate-limits/shared-buckets.ts";
import type { TransportName } from "../../support/clients.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

/** Redis is away: each server's own buckets decide. */
const harness = useService({
  OMS_RATE_LIMITS: JSON.stringify({
    "*": { perSecond: 1, burst: 20 },
    free: {},
    one: { concurrent: 1 },
    watcher: { watches: 2 },
    batcher: { perSecond: 1, burst: 100 },
  }),
});
const TRANSPORTS: TransportName[] = ["gRPC", "Connect JSON", "gRPC-Web"];
const as = (caller: string) => ({ headers: { "oms-caller": caller } });
const errorOf = (call: Promise<unknown>) => call.then(() => undefined, ConnectError.from);
let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, 2020);
});

describe.each(TRANSPORTS)("over %s", (transport) => {
  const name = (caller: string) => `${caller} over ${transport}`;

  test("a caller that calls more often than it may is told when to come back; others go on", async () => {
    const client = harness.client(transport);
    const errors = await Promise.all(
      Array.from({ length: 25 }, () => errorOf(client.getOrderStatus({ orderId }, as(name("eager"))))),
    );
    const refused = errors.filter((error) => error !== undefined);
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(refused.length).toBeLessThanOrEqual(5);
    for (const error of refused) {
      expect(error.code).toBe(Code.ResourceExhausted);
      expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
        { reason: "RATE_LIMITED", domain: "orderstatus.oms", metadata: { caller: name("eager") } },
      ]);
      const [retry] = error.findDetails(RetryInfoSchema);
      expect(Number(retry?.retryDelay?.seconds)).toBeLessThanOrEqual(1);
      expect(error.rawMessage).toMatch(/exceeded its rate limit; the call was not executed, retry in \d+ ms/);
    }
    await client.getOrderStatus({ orderId }, as(name("modest")));
  });

  test("a caller without limits has none", async () => {
    const client = harness.client(transport);
    await Promise.all(Array.from({ length: 50 }, () => client.getOrderStatus({ orderId }, as("free"))));
  });

  test("a watch beyond a caller's share is refused, until one of his ends", async () => {
    const client = harness.client(transport);
    const open = async () => {
      const stop = new AbortController();
      const watch = client.watchOrderStatus({ orderIds: [orderId] }, { ...as("watcher"), signal: stop.signal });
      const messages = watch[Symbol.asyncIterator]();
      const first = await messages.next().catch((error: unknown) => {
        stop.abort();
        throw error;
      });
      return { first, stop };
    };
    const watches = [await open(), await open()];
    const error = await errorOf(open());
    expect(error?.code).toBe(Code.ResourceExhausted);
    expect(error?.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "TOO_MANY_WATCHES" }]);
    watches[0]?.stop.abort();
    const third = await vi.waitFor(open, 5_000);
    third.stop.abort();
    watches[1]?.stop.abort();
    await vi.waitFor(async () => {
      const [one, two] = [await open(), await open()];
      one.stop.abort();
      two.stop.abort();
    }, 5_000);
  });
});

test("a batch counts as many calls as it has orders", async () => {
  const client = harness.client("gRPC");
  const orderIds = Array.from({ length: 60 }, (_, index) => orderId + BigInt(index));
  await client.batchGetOrderStatus({ orderIds }, as("batcher"));
  const error = await errorOf(client.batchGetOrderStatus({ orderIds }, as("batcher")));
  expect(error?.code).toBe(Code.ResourceExhausted);
  await client.getOrderStatus({ orderId }, as("batcher"));
});

test("calls under way at once are limited, and each one that ends makes room", async () => {
  const client = harness.client("gRPC");
  const errors = await Promise.all(
    Array.from({ length: 10 }, () => errorOf(client.getOrderStatus({ orderId }, as("one")))),
  );
  const refused = errors.filter((error) => error !== undefined);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(10);
  expect(refused[0]?.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "TOO_MANY_CALLS" }]);
  await client.getOrderStatus({ orderId }, as("one"));
});

test("an old address is held to the same", async () => {
  const url = `http://127.0.0.1:${harness.service.httpPort}/services/orderStatus/getOrderStatus?orderId=${orderId}`;
  const texts = await Promise.all(
    Array.from({ length: 25 }, async () => (await fetch(url, { headers: { "oms-caller": "old" } })).text()),
  );
  expect(texts.filter((text) => text.includes("exceeded its rate limit")).length).toBeGreaterThanOrEqual(3);
});

test("refusals are counted by caller and limit, and each is a line in the log", async () => {
  const text = await (await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`)).text();
  expect(text).toMatch(/oms_rate_limited_total\{caller="batcher",limit="rate"\} 1\n/);
  expect(text).toMatch(/oms_rate_limited_total\{caller="one",limit="concurrent"\} \d/);
  expect(text).toMatch(/oms_rate_limited_total\{caller="watcher",limit="watches"\} \d/);
  expect(harness.service.log).toContainEqual(
    expect.objectContaining({
      level: "warn",
      rpc: "BatchGetOrderStatus",
      caller: "batcher",
      code: "RESOURCE_EXHAUSTED",
    }),
  );
});

test("callers that nobody named have a bucket each, up to a thousand; the rest share one until some fall idle", () => {
  let time = 0;
  const away: SharedBuckets = { isUnavailable: () => true, take: async () => undefined };
  const limits = createCallerLimits(new Map([["*", { rate: { perSecond: 1, burst: 1 } }]]), away, () => time);
  const take = (caller: string) => limits.get(caller)?.take(1) ?? 0;
  for (let caller = 0; caller < 1_000; caller += 1) {
    expect(take(`caller ${caller}`)).toBe(0);
  }
  expect(take("caller 5")).toBeGreaterThan(0);
  expect(take("one more")).toBe(0);
  expect(take("another one")).toBeGreaterThan(0);
  time += 61_000;
  expect([take("one more"), take("another one")]).toEqual([0, 0]);
});
