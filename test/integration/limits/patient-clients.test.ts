/**
 * Clients that pause, or send slowly, do not meet the guard's limits on idle connections and on the
 * duration of a request, while others put the service under load.
 */
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  GetOrderStatusRequestSchema,
  WatchOrderStatusRequestSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { GUARD_INTERVAL_MS, IDLE_HTTP2_MS, REQUEST_TIMEOUT_MS } from "../../../src/transport/limits.ts";
import { grpcMessage } from "../../../tools/testkit/raw-http2.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

// The limits within seconds; their ratio to what the clients do is smaller than in production.
vi.mock("../../../src/transport/limits.ts", async (original) => ({
  ...(await original<object>()),
  GUARD_INTERVAL_MS: 50,
  IDLE_HTTP2_MS: 2_000,
  HEADERS_TIMEOUT_MS: 3_000,
  REQUEST_TIMEOUT_MS: 3_000,
}));

const SERVICE = "/oms.orderstatus.v1.OrderStatusService";
const harness = useService({ OMS_WATCH_HEARTBEAT_MS: "60000" });
const ports = [
  ["gRPC", "application/grpc", () => harness.service.grpcPort],
  ["HTTP", "application/grpc-web+proto", () => harness.service.httpPort],
] as const;

let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

/** One connection, which must survive the test. */
async function openSession(port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  const ends: unknown[] = [];
  session.on("error", (error) => ends.push(error));
  session.on("goaway", (code) => ends.push(code));
  onTestFinished(() => {
    session.destroy();
    expect(ends).toEqual([]);
  });
  await once(session, "connect");
  return session;
}

function open(session: ClientHttp2Session, rpc: string, type: string) {
  return session.request({
    ":method": "POST",
    ":path": `${SERVICE}/${rpc}`,
    "content-type": type,
    te: "trailers",
  });
}

const encode = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) =>
  grpcMessage(toBinary(schema, create(schema, init)));

/** Whether a call on a stream succeeds, in trailers over gRPC and in the body over gRPC-Web. */
function succeeds(stream: ReturnType<typeof open>): Promise<boolean> {
  return new Promise((resolve) => {
    let succeeded = false;
    let body = "";
    stream.on("trailers", (trailers) => {
      succeeded = trailers["grpc-status"] === "0";
    });
    stream.on("data", (chunk: Buffer) => {
      body += chunk.toString("latin1");
    });
    stream.on("error", () => {});
    stream.on("close", () => resolve(succeeded || /grpc-status: 0\r\n/.test(body)));
  });
}

/** Calls without a pause until the end of the test. */
function load(session: ClientHttp2Session, type: string): { calls: number; failed: number } {
  const result = { calls: 0, failed: 0 };
  let ended = false;
  onTestFinished(() => {
    ended = true;
  });
  const work = async () => {
    while (!ended) {
      const stream = open(session, "GetOrderStatus", type);
      stream.end(encode(GetOrderStatusRequestSchema, { orderId }));
      const succeeded = await succeeds(stream);
      if (!ended) {
        result.calls += 1;
        result.failed += succeeded ? 0 : 1;
      }
    }
  };
  void Promise.all(Array.from({ length: 8 }, work));
  return result;
}

describe.each(ports)("on the port of %s", (_name, type, port) => {
  test("a connection with calls, and one with a watch only, are not idle", async () => {
    const session = await openSession(port());
    const watching = await openSession(port());
    const watch = open(watching, "WatchOrderStatus", type);
    watch.on("error", () => {});
    watch.end(encode(WatchOrderStatusRequestSchema, { orderIds: [orderId] }));
    await once(watch.resume(), "response");
    const result = load(session, type);
    await sleep(2 * IDLE_HTTP2_MS + 2 * GUARD_INTERVAL_MS);
    expect(watch.closed).toBe(false);
    expect(result.failed).toBe(0);
    expect(result.calls).toBeGreaterThan(0);
  });

  test("a request whose parts arrive slowly is complete before its limit", async () => {
    const result = load(await openSession(port()), type);
    const stream = open(await openSession(port()), "GetOrderStatus", type);
    const succeeded = succeeds(stream);
    const body = encode(GetOrderStatusRequestSchema, { orderId });
    // A third of the limit, in as many parts as there are bytes.
    for (const byte of body) {
      stream.write(Buffer.of(byte));
      await sleep(REQUEST_TIMEOUT_MS / 3 / body.length);
    }
    stream.end();
    expect(await succeeded).toBe(true);
    expect(result.failed).toBe(0);
    expect(result.calls).toBeGreaterThan(0);
  });

  test("a watch outlives the limit of a request by far", async () => {
    const session = await openSession(port());
    const watch = open(session, "WatchOrderStatus", type);
    watch.on("error", () => {});
    watch.end(encode(WatchOrderStatusRequestSchema, { orderIds: [orderId] }));
    await once(watch.resume(), "response");
    const result = load(session, type);
    await sleep(REQUEST_TIMEOUT_MS + 4 * GUARD_INTERVAL_MS);
    expect(watch.closed).toBe(false);
    expect(result.failed).toBe(0);
  });
});
