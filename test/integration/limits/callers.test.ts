import { Code, ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import type { TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

/** Without Redis: the local buckets decide. */
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

/** Minimum rejections of 25 calls at once: the burst is 20, and one more is accepted per second. */
const leastRejected = (startedAt: number) => 5 - Math.ceil((performance.now() - startedAt) / 1_000);

beforeAll(async () => {
  orderId = await insertOrder(harness.db, 2020);
});

describe.each(TRANSPORTS)("over %s", (transport) => {
  const name = (caller: string) => `${caller} over ${transport}`;

  test("a caller that exceeds its rate limit gets RetryInfo; others are not affected", async () => {
    const client = harness.client(transport);
    // Connects.
    await client.getOrderStatus({ orderId }, as("free"));
    const startedAt = performance.now();
    const errors = await Promise.all(
      Array.from({ length: 25 }, () => errorOf(client.getOrderStatus({ orderId }, as(name("fast"))))),
    );
    const rejected = errors.filter((error) => error !== undefined);
    expect(rejected.length).toBeGreaterThanOrEqual(leastRejected(startedAt));
    expect(rejected.length).toBeLessThanOrEqual(5);
    for (const error of rejected) {
      expect(error.code).toBe(Code.ResourceExhausted);
      expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
        { reason: "RATE_LIMITED", domain: "orderstatus.oms", metadata: { caller: name("fast") } },
      ]);
      const [retry] = error.findDetails(RetryInfoSchema);
      expect(Number(retry?.retryDelay?.seconds)).toBeLessThanOrEqual(1);
      expect(error.rawMessage).toMatch(/exceeded its rate limit; the call was not executed, retry in \d+ ms/);
    }
    await client.getOrderStatus({ orderId }, as(name("slow")));
  });

  test("a caller configured without limits is not limited", async () => {
    const client = harness.client(transport);
    await Promise.all(Array.from({ length: 50 }, () => client.getOrderStatus({ orderId }, as("free"))));
  });

  test("a watch beyond the limit is rejected until another one ends", async () => {
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
    const third = await eventually(open);
    third.stop.abort();
    watches[1]?.stop.abort();
    await eventually(async () => {
      const [one, two] = [await open(), await open()];
      one.stop.abort();
      two.stop.abort();
    });
  });
});

test("a batch costs as many calls as it has orders", async () => {
  const client = harness.client("gRPC");
  const orderIds = Array.from({ length: 60 }, (_, index) => orderId + BigInt(index));
  await client.batchGetOrderStatus({ orderIds }, as("batcher"));
  const error = await errorOf(client.batchGetOrderStatus({ orderIds }, as("batcher")));
  expect(error?.code).toBe(Code.ResourceExhausted);
  await client.getOrderStatus({ orderId }, as("batcher"));
});

test("concurrent calls are limited; each one that ends frees a slot", async () => {
  const client = harness.client("gRPC");
  const errors = await Promise.all(
    Array.from({ length: 10 }, () => errorOf(client.getOrderStatus({ orderId }, as("one")))),
  );
  const rejected = errors.filter((error) => error !== undefined);
  expect(rejected.length).toBeGreaterThan(0);
  expect(rejected.length).toBeLessThan(10);
  expect(rejected[0]?.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: "TOO_MANY_CALLS" }]);
  await client.getOrderStatus({ orderId }, as("one"));
});

test("legacy endpoints have the same limits", async () => {
  const url = `http://127.0.0.1:${harness.service.httpPort}/services/orderStatus/getOrderStatus?orderId=${orderId}`;
  const startedAt = performance.now();
  const texts = await Promise.all(
    Array.from({ length: 25 }, async () => (await fetch(url, { headers: { "oms-caller": "legacy" } })).text()),
  );
  const rejected = texts.filter((text) => text.includes("exceeded its rate limit"));
  expect(rejected.length).toBeGreaterThanOrEqual(leastRejected(startedAt));
});

test("rejections are counted by caller and limit, and logged", async () => {
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
