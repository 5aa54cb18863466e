import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  BatchGetOrderStatusRequestSchema,
  WatchOrderStatusRequestSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  frameOf,
  grpcMessage,
  NO_WINDOW,
  openRawHttp2,
  type RawHttp2,
  requestHeaders,
} from "../../../tools/testkit/raw-http2.ts";
import { TRANSPORTS } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

// Time limits reduced to fractions of their values.
vi.mock("../../../src/transport/limits.ts", async (original) => ({
  ...(await original<object>()),
  HEADERS_TIMEOUT_MS: 700,
  REQUEST_TIMEOUT_MS: 1_500,
  HTTP1_CHECK_INTERVAL_MS: 100,
  GUARD_INTERVAL_MS: 100,
  HTTP1_IDLE_MS: 700,
  IDLE_HTTP2_MS: 700,
  KEEPALIVE_MS: 500,
  KEEPALIVE_TIMEOUT_MS: 2_000,
  UNREAD_RESPONSE_MS: 1_000,
  MAX_BUFFERED_BYTES: 12 * 1024 * 1024,
}));

const ENHANCE_YOUR_CALM = 11;
const SERVICE = "/oms.orderstatus.v1.OrderStatusService";
const harness = useService({ OMS_WATCH_HEARTBEAT_MS: "100" });
const ports = [
  ["gRPC", "application/grpc", () => harness.service.grpcPort],
  ["HTTP", "application/json", () => harness.service.httpPort],
] as const;

let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

async function openHttp2(port: number, options: Parameters<typeof openRawHttp2>[1] = {}): Promise<RawHttp2> {
  const raw = await openRawHttp2(port, options);
  onTestFinished(() => void raw.socket.destroy());
  return raw;
}

async function openHttp1() {
  const socket = connect(harness.service.httpPort, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/**
 * Other callers are not affected. They open connections: one of an earlier test may be closed
 * as idle while it is used.
 */
async function expectOthersServed(): Promise<void> {
  for (const transport of ["gRPC", "Connect JSON"] as const) {
    const { client, close } = TRANSPORTS[transport](harness.service);
    onTestFinished(close);
    await client.getOrderStatus({ orderId });
  }
}

describe.each(ports)("HTTP/2 on the port of %s", (_name, type, port) => {
  test("a connection without a complete preface is closed", async () => {
    const silent = await openHttp2(port(), { preface: false, polite: false });
    const trickling = await openHttp2(port(), { preface: false, polite: false });
    const text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (const letter of text.slice(0, 8)) {
      trickling.socket.write(letter);
      await sleep(10);
    }
    await Promise.all([silent.closed, trickling.closed]);
  });

  test("a connection that does not answer pings is closed", async () => {
    const raw = await openHttp2(port(), { polite: false });
    await raw.closed;
  });

  test("an idle connection is closed with GOAWAY", async () => {
    const raw = await openHttp2(port());
    await raw.closed;
    expect(raw.received.goaway).toBe(0);
  });

  test("a request that does not complete is reset; the connection stays open", async () => {
    const raw = await openHttp2(port());
    raw.request(1, `${SERVICE}/GetOrderStatus`, type);
    const trickle = setInterval(() => raw.send(FRAME.data, 0, 1, Buffer.of(0)), 400);
    onTestFinished(() => clearInterval(trickle));
    await eventually(() => expect(raw.received.resets.get(1)).toBe(ENHANCE_YOUR_CALM));
    clearInterval(trickle);
    expect(raw.socket.closed).toBe(false);
    await expectOthersServed();
  });

  test("large incomplete requests are limited in memory; small ones are not affected", async () => {
    const raw = await openHttp2(port());
    const streams = Array.from({ length: 8 }, (_, index) => 2 * index + 1);
    for (const stream of streams) {
      raw.request(stream, `${SERVICE}/GetOrderStatus`, type);
    }
    // Limited by the flow-control windows of the connection and of each stream.
    raw.socket.on("data", () => {});
    const chunk = Buffer.alloc(16_000);
    const start = grpcMessage(Buffer.alloc(0), 3_900_000);
    for (const stream of streams) {
      raw.send(FRAME.data, 0, stream, start);
    }
    for (let sent = 0; sent < 3_800_000 && raw.received.resets.size === 0; sent += chunk.length) {
      for (const stream of streams) {
        raw.send(FRAME.data, 0, stream, chunk);
      }
      await sleep(1);
    }
    await eventually(() => expect(raw.received.resets.size + (raw.received.goaway ?? 0)).toBeGreaterThan(0));
    await expectOthersServed();
  });
});

describe("unread gRPC responses", () => {
  test("a large one, with a window of 0", async () => {
    const raw = await openHttp2(harness.service.grpcPort, { settings: NO_WINDOW });
    const orderIds = Array.from({ length: 1_000 }, (_, index) => orderId + BigInt(index));
    raw.request(1, `${SERVICE}/BatchGetOrderStatus`);
    const request = create(BatchGetOrderStatusRequestSchema, { orderIds });
    const body = grpcMessage(toBinary(BatchGetOrderStatusRequestSchema, request));
    raw.send(FRAME.data, END_STREAM, 1, body);
    await eventually(() => expect(raw.received.resets.get(1)).toBe(ENHANCE_YOUR_CALM));
    expect(raw.received.headers).toBe(1);
    await expectOthersServed();
  });

  test("a watch, with a window of 0", async () => {
    const raw = await openHttp2(harness.service.grpcPort, { settings: NO_WINDOW });
    raw.request(1, `${SERVICE}/WatchOrderStatus`);
    const request = create(WatchOrderStatusRequestSchema, { orderIds: [orderId] });
    raw.send(FRAME.data, END_STREAM, 1, grpcMessage(toBinary(WatchOrderStatusRequestSchema, request)));
    await eventually(() => expect(raw.received.resets.get(1)).toBe(ENHANCE_YOUR_CALM));
    await expectOthersServed();
  });

  test("many large ones are limited in memory", async () => {
    const raw = await openHttp2(harness.service.grpcPort, { settings: NO_WINDOW });
    const orderIds = Array.from({ length: 1_000 }, (_, index) => BigInt(index + 1));
    const request = create(BatchGetOrderStatusRequestSchema, { orderIds });
    const body = grpcMessage(toBinary(BatchGetOrderStatusRequestSchema, request));
    for (let stream = 1; stream < 1_000 && !raw.socket.closed; stream += 2) {
      raw.socket.write(
        Buffer.concat([
          frameOf(FRAME.headers, END_HEADERS, stream, requestHeaders(`${SERVICE}/BatchGetOrderStatus`)),
          frameOf(FRAME.data, END_STREAM, stream, body),
        ]),
      );
      await sleep(1);
    }
    await eventually(() => expect(raw.received.resets.size + (raw.received.goaway ?? 0)).toBeGreaterThan(0));
    await expectOthersServed();
  });
});

describe("HTTP/1.1", () => {
  test("trickling headers and a trickling body", async () => {
    const [headers, body] = [await openHttp1(), await openHttp1()];
    headers.resume().write("GET /healthz HTTP/1.1\r\n");
    body.write(
      `POST ${SERVICE}/GetOrderStatus HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n`,
    );
    const trickle = setInterval(() => {
      headers.write("x: y\r\n");
      body.write(" ");
    }, 200);
    onTestFinished(() => clearInterval(trickle));
    let received = "";
    body.on("data", (bytes) => {
      received += bytes;
    });
    await Promise.all([closed(headers), closed(body)]);
    expect(received).toMatch(/^HTTP\/1.1 408/);
    await expectOthersServed();
  });

  test("an idle connection", async () => {
    const socket = await openHttp1();
    socket.resume().write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await once(socket, "close");
  });

  test("unread responses", async () => {
    const socket = await openHttp1();
    socket.pause();
    const body = JSON.stringify({ orderIds: Array.from({ length: 1_000 }, (_, index) => String(index + 1)) });
    const request = `POST ${SERVICE}/BatchGetOrderStatus HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    for (let count = 0; count < 2_000 && !socket.destroyed; count += 1) {
      socket.write(request);
    }
    // Without reads, the closed connection is noticed only by writing.
    const writer = setInterval(() => socket.write(request), 200);
    onTestFinished(() => clearInterval(writer));
    await closed(socket);
    await expectOthersServed();
  });
});

/** Resolves when the connection is closed, with or without error. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
  });
}
