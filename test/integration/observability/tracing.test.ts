import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { forEachSystem } from "../../../src/integrations/systems.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { choosePort } from "../../../tools/devstack/ports.ts";
import { type Clients, TRANSPORTS } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { useMariadb, useNats, useRedis } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";
import { type ExportedSpan, useCollector } from "./collector.ts";
import { useHttpRecorder } from "./http-recorder.ts";

const location = useMariadb();
const nats = useNats();
const redis = useRedis();
const systems = useHttpRecorder();
const collector = useCollector();
const db = openDatabase(location);

beforeAll(async () => {
  await migrate(db);
});
afterAll(() => db.destroy());

/** A server with short intervals, whose external systems answer all requests with 200. */
async function start(env: Record<string, string>): Promise<Clients & { readonly service: Service }> {
  const { url } = systems;
  const service = await startService(
    location,
    {
      natsUrl: nats.url,
      redisUrl: redis.url,
      systemUrls: forEachSystem((name) => `${url}/${name}`),
    },
    { OMS_ROLE: "all", OMS_ACTION_POLL_MS: "50", OMS_RETRY_BASE_MS: "50", OTEL_BSP_SCHEDULE_DELAY: "50", ...env },
  );
  const clients = TRANSPORTS.gRPC(service);
  onTestFinished(async () => {
    clients.close();
    await service.stop();
  });
  return { ...clients, service };
}

const traced = () => start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });

/** A trace of a caller, with its header. */
function callerTrace(flags = "01") {
  const traceId = randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  return { traceId, spanId, headers: { "oms-caller": "shop", traceparent: `00-${traceId}-${spanId}-${flags}` } };
}

/** A paid recharge card of a marketplace; its delivery has many effects. */
async function paidCard({ client, fulfilment }: Clients, headers?: Record<string, string>): Promise<bigint> {
  const options = headers && { headers };
  const { orderId } = await fulfilment.submitOrder(
    {
      orderSource: 2001,
      orderType: 31,
      rechargeAccount: "1",
      lines: [{ skuId: 1n, quantity: 1 }],
      operator: "shop",
    },
    options,
  );
  await client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "pay" }, options);
  return orderId;
}

/** The tree of spans below a span, keyed by `name kind`. */
function treeBelow(parentId: string, spans: readonly ExportedSpan[]): object {
  return Object.fromEntries(
    spans
      .filter((span) => span.parentId === parentId)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((span) => [`${span.name} ${span.kind}`, treeBelow(span.spanId, spans)]),
  );
}

function named(spans: readonly ExportedSpan[], name: string): ExportedSpan {
  const found = spans.filter((span) => span.name === name);
  expect(found, name).toHaveLength(1);
  return found[0] as ExportedSpan;
}

function abortable(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

const RPC = "oms.orderstatus.v1.OrderStatusService/UpdateOrderStatus";

test("a trace covers the call, its Actions and the requests to external systems", async () => {
  const server = await traced();
  const orderId = await paidCard(server);
  const { traceId, spanId, headers } = callerTrace();
  await server.client.updateOrderStatus({ orderId, status: OrderStatus.DELIVERED, operator: "card" }, { headers });

  const post = (name: string) => ({ [`POST ${name} client`]: {} });
  const tree = {
    [`${RPC} server`]: {
      "commit internal": { "commit group internal": {} },
      "publish oms.v1.order.status.6010 producer": {
        "customer-message process consumer": post("customer messages"),
        "e-invoice process consumer": post("e-invoice mail"),
        "finance-push process consumer": post("finance"),
        "gift-record process consumer": {},
        "settlement-push process consumer": {},
        "third-party-notify process consumer": { "publish oms.v1.thirdparty.2001.delivered producer": {} },
      },
    },
  };
  await eventually(() => expect(treeBelow(spanId, collector.spansOf(traceId))).toEqual(tree));

  const spans = collector.spansOf(traceId);
  const rpc = named(spans, RPC);
  expect(rpc.attributes).toEqual({
    "rpc.system": "grpc",
    "rpc.service": "oms.orderstatus.v1.OrderStatusService",
    "rpc.method": "UpdateOrderStatus",
    "rpc.grpc.status_code": 0,
    "oms.code": "OK",
    "oms.call_id": expect.stringMatching(/^[\w-]+$/),
    "oms.caller": "shop",
    "oms.order_id": String(orderId),
  });
  expect(rpc.resource).toMatchObject({ "service.name": "order-status-service" });
  expect(named(spans, "commit").attributes).toEqual({
    "oms.order_id": String(orderId),
    "oms.commit.queue_ms": expect.any(Number),
    "oms.commit.batch_size": 1,
    "oms.commit.retries": 0,
  });
  expect(named(spans, "publish oms.v1.order.status.6010").attributes).toMatchObject({
    "messaging.message.id": `${orderId}-3`,
    "oms.attempts": 1,
  });
  const attempt = named(spans, "e-invoice process");
  expect(attempt.attributes).toMatchObject({
    "oms.action": "e-invoice",
    "oms.attempt": 1,
    "oms.result": "done",
    "oms.lag_ms": expect.any(Number),
    "messaging.message.id": `${orderId}-3`,
  });
  const mailSpan = named(spans, "POST e-invoice mail");
  expect(mailSpan.attributes).toMatchObject({ "http.response.status_code": 200, "server.address": "127.0.0.1" });
  const request = systems.requests.find(
    ({ path, headers }) => path === "/einvoice" && headers["idempotency-key"] === `${orderId}-3`,
  );
  expect(request?.headers.traceparent).toBe(`00-${traceId}-${mailSpan.spanId}-01`);
  for (const span of spans) {
    expect(span.failed, span.name).toBe(false);
    expect(span.end, span.name).toBeGreaterThanOrEqual(span.start);
  }
});

test("the outbox row has the traceparent of the call, with which its publisher continues", async () => {
  const server = await traced();
  const { traceId, headers } = callerTrace();
  const orderId = await paidCard(server, headers);
  const rows = await db
    .selectFrom("oms_db.oms_status_history")
    .select("traceparent")
    .where("order_id", "=", orderId)
    .orderBy("version")
    .execute();

  await eventually(() => {
    const spans = collector.spansOf(traceId);
    const submit = named(spans, "oms.fulfilment.v1.FulfilmentService/SubmitOrder");
    const calls = [submit, named(spans, RPC)].map(({ spanId }) => `00-${traceId}-${spanId}-01`);
    expect(rows.map(({ traceparent }) => traceparent)).toEqual(calls);
    // SubmitOrder has its own transaction.
    expect(spans.some(({ name, parentId }) => name === "commit" && parentId === submit.spanId)).toBe(true);
  });
});

test("a group commit has one span, linked with the commit span of each call", async () => {
  const server = await traced();
  const orderIds = await Promise.all(Array.from({ length: 8 }, () => paidCard(server)));
  const traces = orderIds.map(() => callerTrace());
  await Promise.all(
    orderIds.map((orderId, index) =>
      server.client.updateOrderStatus(
        { orderId, status: OrderStatus.DELIVERED, operator: "card" },
        { headers: traces[index]?.headers ?? {} },
      ),
    ),
  );

  await eventually(() => {
    const spans = traces.flatMap(({ traceId }) => collector.spansOf(traceId));
    const shares = spans.filter(({ name }) => name === "commit");
    const groups = spans.filter(({ name }) => name === "commit group");
    expect(shares).toHaveLength(8);
    const sizes = groups.map(({ attributes }) => Number(attributes["oms.commit.batch_size"]));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(8);
    expect(groups.length).toBeLessThan(8);
    // Each call's commit span is the parent of the group or linked to it; the group links to all.
    expect(groups.flatMap(({ links }) => links).toSorted()).toEqual(shares.map(({ spanId }) => spanId).toSorted());
    for (const { spanId, links } of shares) {
      const own = groups.filter((group) => group.links.includes(spanId));
      expect(own.map((group) => group.parentId === spanId || links[0] === group.spanId)).toEqual([true]);
    }
  });
});

test("the forward flow of an order is one trace", async () => {
  const server = await traced();
  const { orderId } = await server.fulfilment.submitOrder({
    orderSource: 1000,
    orderType: 1,
    lines: [{ skuId: 1n, quantity: 1, warehouseId: 1n }],
    operator: "shop",
  });
  const { traceId, spanId, headers } = callerTrace();
  await server.client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "pay" }, { headers });

  const step = (name: string, within: object) => ({ [`${name} process consumer`]: within });
  const commit = { "commit internal": { "commit group internal": {} } };
  const publish = (code: number, within: object) => ({ [`publish oms.v1.order.status.${code} producer`]: within });
  const dispatched = { ...commit, "POST WMS client": {}, ...publish(2020, {}) };
  const allocated = { ...commit, "POST ERP client": {}, ...publish(2010, step("dispatch", dispatched)) };
  const approved = { ...commit, ...publish(1020, step("allocate", allocated)) };
  await eventually(() =>
    expect(treeBelow(spanId, collector.spansOf(traceId))).toEqual({
      [`${RPC} server`]: { ...commit, ...publish(1010, step("approve", approved)) },
    }),
  );
});

test("a client error does not mark the span as failed", async () => {
  const server = await traced();
  const { traceId, headers } = callerTrace();
  const asked = server.client.updateOrderStatus({ orderId: 1n, status: OrderStatus.PAID, operator: "x" }, { headers });
  await expect(asked).rejects.toThrow("order 1");

  await eventually(() => {
    const rpc = named(collector.spansOf(traceId), RPC);
    expect(rpc).toMatchObject({ failed: false, attributes: { "oms.code": "NOT_FOUND", "rpc.grpc.status_code": 5 } });
  });
});

test("a legacy call has the span of its RPC with the legacy method", async () => {
  const server = await traced();
  const orderId = await paidCard(server);
  const { traceId, spanId, headers } = callerTrace();
  const url = `http://127.0.0.1:${server.service.httpPort}/services/orderStatus/getOrderStatus?orderId=${orderId}`;
  await fetch(url, { headers });
  await eventually(() =>
    expect(named(collector.spansOf(traceId), "oms.orderstatus.v1.OrderStatusService/GetOrderStatus")).toMatchObject({
      parentId: spanId,
      attributes: { "oms.legacy_method": "getOrderStatus", "rpc.system": "oms_legacy", "oms.code": "OK" },
    }),
  );
});

test("a watch is one span", async () => {
  const server = await traced();
  const orderId = await paidCard(server);
  const { traceId, headers } = callerTrace();
  const { signal, abort } = abortable();
  const watch = server.client.watchOrderStatus({ orderIds: [orderId] }, { headers, signal });
  await watch[Symbol.asyncIterator]().next();
  abort();
  await eventually(() => {
    const watch = named(collector.spansOf(traceId), "oms.orderstatus.v1.OrderStatusService/WatchOrderStatus");
    expect(watch.attributes).toMatchObject({ "oms.order_id": String(orderId), "rpc.grpc.status_code": 1 });
  });
});

test("a trace not sampled by its caller is not recorded, but passed on", async () => {
  const server = await traced();
  const orderId = await paidCard(server);
  const { traceId, headers } = callerTrace("00");
  await server.client.updateOrderStatus({ orderId, status: OrderStatus.DELIVERED, operator: "card" }, { headers });
  await eventually(() => {
    const request = systems.requests.find(({ headers }) => headers.traceparent?.includes(traceId));
    expect(request?.headers.traceparent).toMatch(/-00$/);
  });
  await server.service.stop();
  expect(collector.spansOf(traceId)).toEqual([]);
});

test("a call not sampled leaves no trace in rows, messages and requests", async () => {
  const server = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0",
  });
  const orderId = await paidCard(server);
  await server.client.updateOrderStatus({ orderId, status: OrderStatus.DELIVERED, operator: "card" });
  await eventually(() => {
    const request = systems.requests.find(({ headers }) => headers["idempotency-key"] === `${orderId}-3`);
    expect(request).toBeDefined();
    expect(request?.headers).not.toHaveProperty("traceparent");
  });
  const rows = await db
    .selectFrom("oms_db.oms_outbox")
    .select("traceparent")
    .distinct()
    .where("order_id", "=", orderId)
    .execute();
  expect(rows).toEqual([{ traceparent: "" }]);
});

test("an unavailable collector is logged once, and when it is available again", async () => {
  // The exporter would retry for ten seconds.
  vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "2000");
  onTestFinished(() => void vi.unstubAllEnvs());
  const port = await choosePort();
  const server = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
  const messages = () => server.service.log.flatMap(({ msg }) => (/collector/.test(String(msg)) ? [msg] : []));
  const unavailable = "trace collector unavailable; spans are dropped";

  await paidCard(server);
  await eventually(() => expect(messages()).toEqual([unavailable]));
  await paidCard(server);
  const collector = createServer((request, response) => void request.resume().on("end", () => response.end()));
  onTestFinished(() => void collector.close());
  await new Promise<void>((resolve) => {
    collector.listen(port, "127.0.0.1", resolve);
  });
  await eventually(async () => {
    await paidCard(server);
    expect(messages()).toEqual([unavailable, "trace collector available again"]);
  });
});

test("dropped spans are logged", async () => {
  const server = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_MAX_QUEUE_SIZE: "1" });
  await eventually(async () => {
    await paidCard(server);
    const lines = server.service.log.filter(({ msg }) => msg === "trace queue full; spans dropped");
    expect(lines[0]).toMatchObject({ level: "warn", reason: expect.stringMatching(/^Dropped \d+ spans/) });
  });
});

test("a collector that does not answer does not delay the shutdown", async () => {
  const silent = createServer(() => {});
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  await new Promise<void>((resolve) => {
    silent.listen(0, "127.0.0.1", resolve);
  });
  const { port } = silent.address() as AddressInfo;
  const server = await start({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${port}/v1/traces` });
  await paidCard(server);
  await server.service.stop();
  const stopped = server.service.log.find(({ msg, component }) => msg === "stopped" && component === "tracing");
  expect(stopped?.ms).toBeLessThan(6_000);
});
