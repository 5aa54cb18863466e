import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, onTestFinished, test } from "vitest";
import type { TransportName } from "../../support/clients.ts";
import { useService } from "../../support/service.ts";

const harness = useService();
const errorOf = (call: Promise<unknown>) => call.then(() => undefined, ConnectError.from);
const TRANSPORTS: TransportName[] = ["gRPC", "Connect JSON", "gRPC-Web"];

describe.each(TRANSPORTS)("over %s", (transport) => {
  test("a batch of more than 1,000 is INVALID_ARGUMENT", async () => {
    const orderIds = Array.from({ length: 1_001 }, (_, index) => BigInt(index + 1));
    const error = await errorOf(harness.client(transport).batchGetOrderStatus({ orderIds }));
    expect(error?.code).toBe(Code.InvalidArgument);
    expect(error?.rawMessage).toContain("must contain no more than 1000 item(s), was 1001 items");
  });

  test("a request of more than 4 MiB is RESOURCE_EXHAUSTED", async () => {
    const operator = "x".repeat(4 * 1024 * 1024);
    const error = await errorOf(harness.client(transport).pauseForCancel({ orderId: 1n, operator }));
    expect(error?.code).toBe(Code.ResourceExhausted);
  });
});

/** A length as a varint. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

describe.each([
  ["gRPC", "application/grpc"],
  ["Connect", "application/proto"],
  ["gRPC-Web", "application/grpc-web+proto"],
])("lists are counted before they are decoded: %s", (_transport, type) => {
  const post = async (rpc: string, message: Buffer): Promise<string> => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    const body = type === "application/proto" ? message : Buffer.concat([head, message]);
    const grpc = type === "application/grpc";
    const session = connectHttp2(`http://127.0.0.1:${grpc ? harness.service.grpcPort : harness.service.httpPort}`);
    onTestFinished(() => session.destroy());
    const path = `/oms.orderstatus.v1.OrderStatusService/${rpc}`;
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": type, te: "trailers" });
    let headers = "";
    const add = (received: object) => {
      headers += decodeURIComponent(JSON.stringify(received));
    };
    stream.on("response", add).on("trailers", add).end(body);
    return decodeURIComponent(await text(stream)) + headers;
  };

  test("packed ids", async () => {
    const ids = Buffer.alloc(40_000);
    expect(await post("BatchGetOrderStatus", Buffer.from([10, ...varint(ids.length), ...ids]))).toMatch(
      /order_ids: must contain no more than 1000 item\(s\), was 40000 items/,
    );
  });

  test("empty messages", async () => {
    const updates = Buffer.alloc(200_000, Buffer.from([10, 0]));
    expect(await post("BatchUpdateOrderStatus", updates)).toMatch(
      /updates: must contain no more than 1000 item\(s\), was more than 42\d\d\d items/,
    );
  });

  test("a request larger than any valid one is refused unread", async () => {
    expect(await post("BatchGetOrderStatus", Buffer.alloc(60_000, Buffer.from([8, 1])))).toMatch(
      /larger than|resource_exhausted/,
    );
  });
});

test("values in JSON are counted before they are parsed", async () => {
  const url = `http://127.0.0.1:${harness.service.httpPort}/oms.orderstatus.v1.OrderStatusService/BatchUpdateOrderStatus`;
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: `{"updates":[${"{},".repeat(200_000)}{}]}`,
  });
  expect(await response.json()).toMatchObject({
    code: "invalid_argument",
    message: expect.stringMatching(/more than \d+ values$/),
  });
});

test("a legacy endpoint accepts half a MiB", async () => {
  const url = `http://127.0.0.1:${harness.service.httpPort}/services/orderStatus/getOrderStatus`;
  const body = new URLSearchParams({ orderId: "1", more: "x".repeat(512 * 1024) });
  const response = await fetch(url, { method: "POST", body });
  expect(await response.text()).toContain("the body must have at most 524288 bytes");
});

test.each([
  ["one of 17 KB", [`x: ${"y".repeat(17_000)}`]],
  ["3,000 short ones", Array.from({ length: 3_000 }, (_, index) => `x${index}: y`)],
])("headers over HTTP/1.1: %s are 431", async (_name, lines) => {
  const socket = connect(harness.service.httpPort, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write(["GET /healthz HTTP/1.1", "host: localhost", ...lines, "", ""].join("\r\n"));
  expect(await text(socket)).toMatch(/^HTTP\/1.1 431/);
});
