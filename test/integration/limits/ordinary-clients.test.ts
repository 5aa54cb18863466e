/**
 * Clients that are under load, and do what gRPC libraries do by default, do not meet the limits of
 * src/transport/guard/. The libraries themselves: `npm run test:clients`.
 */
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { text } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  BatchGetOrderStatusRequestSchema,
  BatchUpdateOrderStatusRequestSchema,
  GetOrderStatusRequestSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { UNREAD_RESPONSE_MS } from "../../../src/transport/limits.ts";
import { grpcMessage } from "../../../tools/testkit/raw-http2.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

// Slow clients within a fraction of the time.
vi.mock("../../../src/transport/limits.ts", async (original) => ({
  ...(await original<object>()),
  GUARD_INTERVAL_MS: 100,
  UNREAD_RESPONSE_MS: 1_500,
}));

const SERVICE = "/oms.orderstatus.v1.OrderStatusService";
const harness = useService();
const ports = [
  ["gRPC", "application/grpc", () => harness.service.grpcPort],
  ["HTTP", "application/proto", () => harness.service.httpPort],
] as const;

let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

/** One connection, which must survive the test. */
async function openSession(port: number, initialWindowSize = 65_535): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize } });
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

/** Encodes requests as the content type demands. */
const encode = <Desc extends DescMessage>(type: string, schema: Desc, init: MessageInitShape<Desc>) => {
  const bytes = toBinary(schema, create(schema, init));
  return type === "application/grpc" ? grpcMessage(bytes) : Buffer.from(bytes);
};

function open(session: ClientHttp2Session, rpc: string, type: string, body: Buffer): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": `${SERVICE}/${rpc}`,
    "content-type": type,
    te: "trailers",
  });
  stream.end(body);
  return stream;
}

/** Whether a call succeeds. Sends a PING for DATA received as grpc-go and grpc-java do. */
function succeeds(stream: ClientHttp2Stream, onData: () => void = () => {}): Promise<boolean> {
  return new Promise((resolve) => {
    let succeeded = false;
    stream.on("response", (headers) => {
      succeeded = headers["content-type"] === "application/proto" && headers[":status"] === 200;
    });
    stream.on("trailers", (trailers) => {
      succeeded ||= trailers["grpc-status"] === "0";
    });
    stream.on("data", onData);
    stream.on("error", () => {});
    stream.on("close", () => resolve(succeeded));
  });
}

/** Measures the bandwidth: at most one PING at a time. */
function pinger(session: ClientHttp2Session): () => void {
  let pinging = false;
  return () => {
    if (!pinging) {
      pinging = true;
      session.ping(() => {
        pinging = false;
      });
    }
  };
}

describe.each(ports)("on the port of %s", (_name, type, port) => {
  test("a PING for each response, many hundreds per second", async () => {
    const session = await openSession(port());
    const ping = pinger(session);
    const body = encode(type, GetOrderStatusRequestSchema, { orderId });
    let failed = 0;
    for (let round = 0; round < 100; round += 1) {
      const calls = Array.from({ length: 8 }, () => succeeds(open(session, "GetOrderStatus", type, body), ping));
      failed += (await Promise.all(calls)).filter((succeeded) => !succeeded).length;
    }
    expect(failed).toBe(0);
  });

  test("a PING for each piece of large responses", async () => {
    const session = await openSession(port());
    const ping = pinger(session);
    const orderIds = Array.from({ length: 1_000 }, (_, index) => orderId + BigInt(index) * 1_000_000_007n);
    const body = encode(type, BatchGetOrderStatusRequestSchema, { orderIds });
    const calls = Array.from({ length: 50 }, () => succeeds(open(session, "BatchGetOrderStatus", type, body), ping));
    expect(await Promise.all(calls)).toEqual(calls.map(() => true));
  });

  test("thousands of calls whose deadlines expire together", async () => {
    const session = await openSession(port());
    const body = encode(type, GetOrderStatusRequestSchema, { orderId });
    expect(await succeeds(open(session, "GetOrderStatus", type, body))).toBe(true);
    for (let round = 0; round < 3; round += 1) {
      const streams = Array.from({ length: 800 }, () => open(session, "GetOrderStatus", type, body));
      const ended = streams.map((stream) => succeeds(stream));
      for (const stream of streams) {
        stream.close(constants.NGHTTP2_CANCEL);
      }
      await Promise.all(ended);
    }
    expect(await succeeds(open(session, "GetOrderStatus", type, body))).toBe(true);
  });

  test("many large requests at once", async () => {
    const session = await openSession(port());
    const update = { orderId, status: OrderStatus.PICKING, operator: "wms", remark: "x".repeat(500) };
    const updates = Array.from({ length: 1_000 }, () => update);
    const body = encode(type, BatchUpdateOrderStatusRequestSchema, { updates });
    const calls = Array.from({ length: 20 }, () => succeeds(open(session, "BatchUpdateOrderStatus", type, body)));
    expect(await Promise.all(calls)).toEqual(calls.map(() => true));
  });

  test("a slow reader, which takes far longer than an unread response may wait", async () => {
    const session = await openSession(port(), 512);
    const orderIds = Array.from({ length: 1_000 }, (_, index) => orderId + BigInt(index) * 1_000_000_007n);
    const stream = open(
      session,
      "BatchGetOrderStatus",
      type,
      encode(type, BatchGetOrderStatusRequestSchema, { orderIds }),
    );
    const startedAt = performance.now();
    const succeeded = await succeeds(stream, () => {
      stream.pause();
      setTimeout(() => stream.resume(), UNREAD_RESPONSE_MS / 5);
    });
    expect(succeeded).toBe(true);
    expect(performance.now() - startedAt).toBeGreaterThan(2 * UNREAD_RESPONSE_MS);
  });
});

describe("uploads over HTTP/1.1 in chunks", () => {
  /** Sends a batch of updates in chunks of a size. @returns the status and the number of results */
  const upload = async (orders: number, chunkBytes: number): Promise<[number, number]> => {
    const updates = Array.from({ length: orders }, () => ({
      orderId: String(orderId),
      status: "ORDER_STATUS_PICKING",
      operator: "wms",
    }));
    const bytes = Buffer.from(JSON.stringify({ updates }));
    const url = `http://127.0.0.1:${harness.service.httpPort}${SERVICE}/BatchUpdateOrderStatus`;
    const request = httpRequest(url, { method: "POST", headers: { "content-type": "application/json" } });
    for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
      request.write(bytes.subarray(offset, offset + chunkBytes));
      // Otherwise Node joins the chunks.
      await nextTurn();
    }
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const { results = [] } = JSON.parse(await text(response)) as { results?: unknown[] };
    return [response.statusCode ?? 0, results.length];
  };

  test.each([
    ["Apache CXF: 4 KB", 1_000, 4 * 1024],
    ["curl: 64 KB", 1_000, 64 * 1024],
    ["a program that writes line by line: 50 bytes", 900, 50],
    ["one that writes each token on its own: 8 bytes", 100, 8],
  ])("%s", async (_name, orders, chunkBytes) => {
    const uploads = Array.from({ length: chunkBytes > 1_000 ? 10 : 1 }, () => upload(orders, chunkBytes));
    expect(await Promise.all(uploads)).toEqual(uploads.map(() => [200, orders]));
  });
});

describe("hundreds of calls per second on one connection, in each format", () => {
  const message = () => toBinary(GetOrderStatusRequestSchema, create(GetOrderStatusRequestSchema, { orderId }));
  const json = () => JSON.stringify({ orderId: String(orderId) });
  const rpc = `${SERVICE}/GetOrderStatus`;
  test.each([
    ["gRPC-Web", rpc, "application/grpc-web+proto", () => grpcMessage(message())],
    ["gRPC-Web in text", rpc, "application/grpc-web-text", () => grpcMessage(message()).toString("base64")],
    ["JSON", rpc, "application/json", json],
    ["a Connect stream", `${SERVICE}/WatchOrderStatus`, "application/connect+json", watchRequest],
    ["a legacy method", "/services/orderStatus/getOrderStatus", "application/json", json],
  ])("%s", async (_name, path, type, body) => {
    const session = await openSession(harness.service.httpPort);
    const headers = { ":method": "POST", ":path": path, "content-type": type, "connect-protocol-version": "1" };
    const statuses = new Map<number | undefined, number>();
    for (let round = 0; round < 50; round += 1) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const stream = session.request(headers);
          stream.on("error", () => {});
          stream.end(body());
          const [response] = await Promise.race([once(stream, "response"), once(stream, "close")]);
          const status = response?.[":status"];
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          stream.close();
        }),
      );
    }
    expect(statuses).toEqual(new Map([[200, 500]]));
  });

  function watchRequest(): Buffer {
    const bytes = Buffer.from(JSON.stringify({ orderIds: [String(orderId)] }));
    const length = Buffer.alloc(5);
    length.writeUInt32BE(bytes.length, 1);
    return Buffer.concat([length, bytes]);
  }
});
