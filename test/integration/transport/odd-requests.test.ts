import { once } from "node:events";
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { GetOrderStatusRequestSchema } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

/** Requests found by fuzzing. */

const harness = useService();
const PATH = "/oms.orderstatus.v1.OrderStatusService/GetOrderStatus";

let request = Buffer.alloc(0);
let json = "";

beforeAll(async () => {
  const orderId = await insertOrder(harness.db, Status.PICKING);
  request = Buffer.from(toBinary(GetOrderStatusRequestSchema, create(GetOrderStatusRequestSchema, { orderId })));
  json = JSON.stringify({ orderId: String(orderId) });
});

function open(port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  onTestFinished(() => session.destroy());
  return session;
}

function frame(message: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

async function callGrpc(headers: OutgoingHttpHeaders, body = frame(request)) {
  const stream = open(harness.service.grpcPort).request({
    ":method": "POST",
    ":path": PATH,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const received: Record<string, unknown> = {};
  stream.on("response", (response) => Object.assign(received, response));
  stream.on("trailers", (trailers) => Object.assign(received, trailers));
  stream.resume().end(body);
  await once(stream, "close");
  return {
    status: received["grpc-status"],
    message: decodeURIComponent(String(received["grpc-message"] ?? "")),
    received,
  };
}

describe("over gRPC", () => {
  test.each(["", "5", "-1S", "1x", "S", "1.5S", "100000000S"])(
    "a malformed deadline (%j) is INVALID_ARGUMENT",
    async (timeout) => {
      const { status, message, received } = await callGrpc({ "grpc-timeout": timeout });
      expect(status).toBe("3");
      expect(message).toMatch(/^grpc-timeout: must be 1 to 8 digits followed by H, M, S, m, u or n, was/);
      expect(received["oms-call-id"]).toEqual(expect.any(String));
    },
  );

  test.each(["1H", "1000H", "99999999H", "99999999M"])("a distant deadline (%s) has not expired", async (timeout) => {
    expect(await callGrpc({ "grpc-timeout": timeout })).toMatchObject({ status: "0" });
  });

  test("a message that cannot be decompressed is INVALID_ARGUMENT, a valid one is read", async () => {
    const gzip = { "grpc-encoding": "gzip" };
    expect(await callGrpc(gzip, frame(Buffer.from("no gzip"), 1))).toMatchObject({ status: "3" });
    expect(await callGrpc(gzip, frame(gzipSync(request).subarray(0, 12), 1))).toMatchObject({ status: "3" });
    expect(await callGrpc(gzip, frame(gzipSync(request), 1))).toMatchObject({ status: "0" });
  });

  test("a header that is not text is ignored, and its value not logged", async () => {
    const consoleError = vi.spyOn(console, "error");
    onTestFinished(() => consoleError.mockRestore());
    expect(await callGrpc({ authorization: "Bearer ÿþ" })).toMatchObject({ status: "0" });
    expect(consoleError).not.toHaveBeenCalled();
  });
});

describe("over HTTP", () => {
  const url = () => `http://127.0.0.1:${harness.service.httpPort}${PATH}`;

  test.each([
    ["Connect", { "content-type": "application/json", "connect-timeout-ms": "2147483648" }, () => json],
    [
      "gRPC-Web",
      { "content-type": "application/grpc-web+proto", "grpc-timeout": "99999999H" },
      () => new Uint8Array(frame(request)),
    ],
  ])("a deadline beyond the timer limit counts as none (%s)", async (_name, headers, body) => {
    const warned = vi.fn();
    process.on("warning", warned);
    onTestFinished(() => void process.off("warning", warned));
    const response = await fetch(url(), { method: "POST", headers, body: body() });
    expect(response.status).toBe(200);
    expect(await response.text()).not.toMatch(/grpc-status: [^0]/);
    expect(warned).not.toHaveBeenCalled();
  });

  test("an error that quotes a lone surrogate gets a response", async () => {
    // V8 quotes ten UTF-16 units around the error, and may cut a surrogate pair.
    for (let before = 0; before < 4; before += 1) {
      const response = await fetch(url(), {
        method: "POST",
        headers: { "content-type": "application/grpc-web+json" },
        body: new Uint8Array(frame(Buffer.from(`${"x".repeat(before)}${"🧧".repeat(40)}`))),
      });
      expect(await response.text()).toMatch(/grpc-status: 3/);
    }
  });

  test("an oversized request over HTTP/2 gets a response and is reset; the connection stays open", async () => {
    const session = open(harness.service.httpPort);
    const post = { ":method": "POST", ":path": PATH, "content-type": "application/json" };
    const tooMuch = Buffer.alloc(5 * 1024 * 1024, 32);
    for (let count = 0; count < 4; count += 1) {
      const stream = session.request(post);
      const closed = once(stream, "close");
      stream.end(tooMuch);
      expect(await text(stream)).toContain("resource_exhausted");
      await closed;
    }
    const stream = session.request(post);
    stream.end(json);
    expect(await text(stream)).toContain("ORDER_STATUS_PICKING");
  });

  test("an unknown expectation is ignored", async () => {
    const stream = open(harness.service.httpPort).request({
      ":method": "POST",
      ":path": PATH,
      "content-type": "application/json",
      expect: "x",
    });
    stream.end(`${json}${" ".repeat(12_000)}`);
    expect(await text(stream)).toContain("ORDER_STATUS_PICKING");
  });
});
