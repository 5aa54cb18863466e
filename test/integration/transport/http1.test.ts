import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  GetOrderStatusRequestSchema,
  GetOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

/** Requests that the RFCs allow and that common clients and proxies send. */

const harness = useService({ OMS_ALLOWED_HOSTS: "orders.example.com" });
const SERVICE = "/oms.orderstatus.v1.OrderStatusService";
const RPC = `${SERVICE}/GetOrderStatus`;
const url = (path: string) => `http://127.0.0.1:${harness.service.httpPort}${path}`;

let json = "";
let message = Buffer.alloc(0);

beforeAll(async () => {
  const orderId = await insertOrder(harness.db, Status.PICKING);
  json = JSON.stringify({ orderId: String(orderId) });
  message = Buffer.from(toBinary(GetOrderStatusRequestSchema, create(GetOrderStatusRequestSchema, { orderId })));
});

interface Response {
  readonly head: string;
  readonly body: string;
}

/** A connection whose responses are read one after the other. */
async function open(port = harness.service.httpPort) {
  const socket: Socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  let received = "";
  socket.setEncoding("latin1");
  socket.on("data", (text) => {
    received += text;
  });
  /** The next response, or the rest where the server closes the connection. */
  const next = async (): Promise<Response> => {
    for (;;) {
      const [head = "", rest] = received.split(/\r\n\r\n(.*)/s, 2);
      const length = /^content-length: (\d+)/im.exec(head)?.[1];
      const chunked = /^transfer-encoding: chunked/im.test(head);
      if (rest !== undefined && length !== undefined && rest.length >= Number(length)) {
        received = rest.slice(Number(length));
        return { head, body: rest.slice(0, Number(length)) };
      }
      const end = rest?.indexOf("0\r\n\r\n") ?? -1;
      if (rest !== undefined && chunked && end >= 0) {
        received = rest.slice(end + 5);
        return { head, body: rest.slice(0, end) };
      }
      if (socket.readableEnded || socket.destroyed) {
        return { head, body: rest ?? "" };
      }
      await Promise.race([once(socket, "data"), once(socket, "end"), once(socket, "close")]);
    }
  };
  return { socket, next, send: (text: string | Buffer) => socket.write(text) };
}

const post = (path: string, type: string, body: string, host = "host: localhost\r\n") =>
  `POST ${path} HTTP/1.1\r\n${host}content-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe("the request target and the host", () => {
  test("an absolute-form target is served, with its own host", async () => {
    const { send, next } = await open();
    send(post(`http://orders.example.com${RPC}`, "application/json", json));
    expect((await next()).body).toContain("ORDER_STATUS_PICKING");
    send("GET http://orders.example.com/healthz HTTP/1.1\r\nhost: other\r\n\r\n");
    expect((await next()).body).toContain("alive");
    send("GET http://orders.example.com/services/orderStatus?wsdl HTTP/1.1\r\nhost: other\r\n\r\n");
    expect((await next()).body).toContain('location="http://orders.example.com/services/orderStatus"');
  });

  test.each([
    ["a unary RPC", RPC, "application/json", "ORDER_STATUS_PICKING"],
    ["gRPC-Web", RPC, "application/grpc-web+proto", "grpc-status: 0"],
    ["a legacy endpoint", "/services/orderStatus/getOrderStatus", "application/json", '"orderStatus":3020'],
  ])("HTTP/1.0 without a host: %s", async (_name, path, type, expected) => {
    const { send, next } = await open();
    const body = type.includes("json") ? json : framed(message).toString("latin1");
    const head = `POST ${path} HTTP/1.0\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`;
    send(Buffer.from(head + body, "latin1"));
    const response = await next();
    expect(response.head).toMatch(/^HTTP\/1.1 200/);
    expect(response.body).toContain(expected);
  });
});

describe("the content type", () => {
  test.each([
    'application/json; charset="utf-8"',
    "application/json;charset=UTF-8;profile=x",
    "application/json ; charset=utf8",
    "Application/JSON",
  ])("%s is JSON", async (type) => {
    const response = await fetch(url(RPC), { method: "POST", headers: { "content-type": type }, body: json });
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("ORDER_STATUS_PICKING")]);
  });

  test("another charset is 415, with the right one", async () => {
    const headers = { "content-type": 'application/json; charset="gbk"' };
    const response = await fetch(url(RPC), { method: "POST", headers, body: json });
    expect([response.status, await response.text()]).toEqual([415, expect.stringContaining("(in UTF-8)")]);
  });
});

describe("methods", () => {
  test.each([
    ["PUT", RPC, "GET, POST"],
    ["GET", `${SERVICE}/CancelOrder?encoding=json&message={}`, "POST"],
    ["GET", `${SERVICE}/WatchOrderStatus?encoding=json&message={}`, "POST"],
    ["DELETE", "/readyz", "GET, HEAD"],
    ["PUT", "/services/orderStatus/getOrderStatus", "GET, POST"],
  ])("%s %s is 405 with the allowed methods", async (method, path, allow) => {
    const response = await fetch(url(path), { method });
    expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
  });
});

describe("a request that is answered before its end", () => {
  const tooLarge = "x".repeat(5 * 1024 * 1024);

  function chunked(path: string, type: string): Buffer {
    const chunk = `${(16_384).toString(16)}\r\n${"x".repeat(16_384)}\r\n`;
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`;
    return Buffer.from(`${head}${chunk.repeat(tooLarge.length / 16_384)}0\r\n\r\n`);
  }

  describe.each([
    ["Connect", RPC, "application/json", /^HTTP\/1.1 429/, /larger than \d+ bytes/],
    ["gRPC-Web", RPC, "application/grpc-web+proto", /^HTTP\/1.1 200/, /grpc-status: [38]/],
    ["gRPC-Web text", RPC, "application/grpc-web-text", /^HTTP\/1.1 200/, /./],
    ["a stream", `${SERVICE}/WatchOrderStatus`, "application/connect+json", /^HTTP\/1.1 200/, /larger than \d+ bytes/],
    ["a legacy endpoint", "/services/orderStatus/getOrderStatus", "text/plain", /^HTTP\/1.1 200/, /524288/],
    ["SOAP", "/services/orderStatus", "text/xml", /^HTTP\/1.1 500/, /524288/],
    ["an unknown path", "/nowhere", "application/json", /^HTTP\/1.1 404/, /./],
    ["an unsupported content type", RPC, "image/png", /^HTTP\/1.1 415/, /image.png/],
  ])("%s", (_name, path, type, head, body) => {
    test.each([
      ["with a content length", () => post(path, type, tooLarge)],
      ["in chunks", () => chunked(path, type)],
    ])("%s: its answer names the reason, and the connection serves the next request", async (_how, request) => {
      const { send, next } = await open();
      send(request());
      const first = await next();
      expect(first.head).toMatch(head);
      expect(first.body).toMatch(body);
      send(post(RPC, "application/json", json));
      expect((await next()).body).toContain("ORDER_STATUS_PICKING");
    });
  });

  test("a client that sends without end is disconnected", async () => {
    const { socket, send } = await open();
    send("POST /nowhere HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    const chunk = Buffer.from(`100000\r\n${"x".repeat(0x100000)}\r\n`);
    socket.on("error", () => {});
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    for (let sent = 0; sent < 64 && !socket.destroyed; sent += 1) {
      await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
    }
    await closed;
  });
});

test("a gRPC client at the HTTP port receives the port of gRPC", async () => {
  const session = connectHttp2(url(""));
  onTestFinished(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": RPC,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.resume().end(framed(message));
  const [headers] = await once(stream, "response");
  expect(headers).toMatchObject({ ":status": 200, "content-type": "application/grpc", "grpc-status": "12" });
  expect(decodeURIComponent(headers["grpc-message"])).toBe(
    `this port serves Connect and gRPC-Web; gRPC is served on port ${harness.service.grpcPort}`,
  );
  const overHttp1 = await fetch(url(RPC), {
    method: "POST",
    headers: { "content-type": "application/grpc+proto" },
    body: new Uint8Array(framed(message)),
  });
  expect([overHttp1.status, await overHttp1.text()]).toEqual([
    415,
    expect.stringContaining(`gRPC is served on port ${harness.service.grpcPort}`),
  ]);
});

describe("gRPC-Web in base64", () => {
  const call = (body: string, type = "application/grpc-web-text") =>
    fetch(url(RPC), { method: "POST", headers: { "content-type": type, "x-grpc-web": "1" }, body });

  /** The frames of a response: flags and content. */
  function frames(text: string): { readonly flags: number; readonly content: Buffer }[] {
    const bytes = Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((segment) => Buffer.from(segment, "base64")));
    const found = [];
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32BE(at + 1);
      found.push({ flags: bytes[at] as number, content: bytes.subarray(at + 5, at + 5 + length) });
      at += 5 + length;
    }
    return found;
  }

  test.each(["application/grpc-web-text", "application/grpc-web-text+proto"])("%s", async (type) => {
    const response = await call(framed(message).toString("base64"), type);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
    const [data, trailers] = frames(await response.text());
    expect(fromBinary(GetOrderStatusResponseSchema, data?.content as Buffer).orderStatus).toBe(Status.PICKING);
    expect([trailers?.flags, String(trailers?.content)]).toEqual([0x80, expect.stringContaining("grpc-status: 0")]);
  });

  test("a body of several padded segments", async () => {
    const bytes = framed(message);
    const segments = [bytes.subarray(0, 1), bytes.subarray(1, 6), bytes.subarray(6)];
    const response = await call(segments.map((segment) => segment.toString("base64")).join(""));
    expect(frames(await response.text())[0]?.flags).toBe(0);
  });

  test("a body that is not base64 is INVALID_ARGUMENT", async () => {
    const [trailers] = frames(await (await call("{!}:")).text());
    expect(String(trailers?.content)).toMatch(/grpc-status: 3/);
    expect(decodeURIComponent(String(trailers?.content))).toContain("must be base64");
  });
});

describe("a caller name that is not ASCII is INVALID_ARGUMENT", () => {
  const name = Buffer.from("仓库").toString("latin1");

  test("over gRPC", async () => {
    const session = connectHttp2(`http://127.0.0.1:${harness.service.grpcPort}`);
    onTestFinished(() => session.destroy());
    const headers = { ":method": "POST", ":path": RPC, "content-type": "application/grpc", te: "trailers" };
    const stream = session.request({ ...headers, "oms-caller": name });
    stream.resume().end(framed(message));
    const [response] = await once(stream, "response");
    expect(response["grpc-status"]).toBe("3");
    expect(decodeURIComponent(response["grpc-message"])).toMatch(/^oms-caller: must be 1 to 64 printable ASCII/);
  });

  test.each([
    ["Connect", RPC, "application/json", /"code":"invalid_argument","message":"oms-caller: must be/],
    ["a legacy endpoint", "/services/orderStatus/getOrderStatus", "application/json", /oms-caller: must be/],
  ])("over %s", async (_name, path, type, expected) => {
    const response = await fetch(url(path), {
      method: "POST",
      headers: { "content-type": type, "oms-caller": name },
      body: json,
    });
    expect(await response.text()).toMatch(expected);
  });
});

function framed(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
