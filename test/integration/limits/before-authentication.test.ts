import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import {
  GetOrderStatusRequestSchema,
  PauseForCancelRequestSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import { AUDIENCE, createIssuer, ISSUER } from "../auth/issuer.ts";

const issuer = await createIssuer();
const keys = join(inject("folder"), `jwks-${process.pid}-before.json`);
writeFileSync(keys, issuer.jwks());
const harness = useService({
  OMS_AUTH: "jwt",
  OMS_JWT_KEYS: keys,
  OMS_JWT_ISSUER: ISSUER,
  OMS_JWT_AUDIENCE: AUDIENCE,
});
const SERVICE = "/oms.orderstatus.v1.OrderStatusService";

let orderId = 0n;
let authorization = "";

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
  authorization = `Bearer ${await issuer.token({ sub: "tms", roles: ["tms"] })}`;
});

interface Http2Response {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
}

/** Sends headers and a body; without a body the request stays open. */
async function requestHttp2(port: number, headers: Record<string, string>, body?: Buffer): Promise<Http2Response> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  try {
    const stream = session.request({ ":method": "POST", ...headers }, { endStream: false });
    stream.on("error", () => {});
    let trailers: IncomingHttpHeaders = {};
    stream.on("trailers", (received: IncomingHttpHeaders) => {
      trailers = received;
    });
    if (body === undefined) {
      // The server waits for no byte of the body.
      stream.write(Buffer.of(0));
    } else {
      stream.end(body);
    }
    stream.resume();
    const [response] = (await once(stream, "response")) as [IncomingHttpHeaders];
    await (stream.readableEnded ? undefined : once(stream, "end"));
    return { headers: response, trailers };
  } finally {
    session.destroy();
  }
}

/** Sends the headers of a request over HTTP/1.1, announces a body, and sends nothing of it. */
async function requestHttp1(path: string, headers: readonly string[]): Promise<string> {
  const socket = connect(harness.service.httpPort, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  socket.write([`POST ${path} HTTP/1.1`, "host: a", "content-length: 100000", ...headers, "", ""].join("\r\n"));
  const [answer] = (await once(socket, "data")) as [Buffer];
  return answer.toString();
}

const frame = (message: Uint8Array, flag = 0) => {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

describe("an unknown caller is rejected by its headers, before its request has arrived", () => {
  test.each(["GetOrderStatus", "WatchOrderStatus"])("gRPC: %s", async (rpc) => {
    const { headers } = await requestHttp2(harness.service.grpcPort, {
      ":path": `${SERVICE}/${rpc}`,
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-encoding": "gzip",
    });
    expect(headers["grpc-status"]).toBe("16");
  });

  test("Connect over HTTP/2", async () => {
    const { headers } = await requestHttp2(harness.service.httpPort, {
      ":path": `${SERVICE}/GetOrderStatus`,
      "content-type": "application/json",
    });
    expect(headers[":status"]).toBe(401);
  });

  test.each([
    ["Connect", `${SERVICE}/GetOrderStatus`, "application/json", /^HTTP\/1.1 401[\s\S]*"unauthenticated"/],
    ["a Connect stream", `${SERVICE}/WatchOrderStatus`, "application/connect+json", /^HTTP\/1.1 200/],
    ["gRPC-Web", `${SERVICE}/GetOrderStatus`, "application/grpc-web+proto", /grpc-status: 16/],
    ["a legacy endpoint", "/services/orderStatus/getOrderStatus", "application/json", /没有登录/],
    ["SOAP", "/services/orderStatus", "text/xml", /没有登录/],
  ])("over HTTP/1.1: %s", async (_name, path, type, answer) => {
    expect(await requestHttp1(path, [`content-type: ${type}`, "content-encoding: gzip"])).toMatch(answer);
  });
});

describe("a known caller may compress", () => {
  const message = () => toBinary(GetOrderStatusRequestSchema, create(GetOrderStatusRequestSchema, { orderId }));

  test("gRPC", async () => {
    const { trailers } = await requestHttp2(
      harness.service.grpcPort,
      {
        ":path": `${SERVICE}/GetOrderStatus`,
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-encoding": "gzip",
        authorization,
      },
      frame(gzipSync(message()), 1),
    );
    expect(trailers["grpc-status"]).toBe("0");
  });

  test.each([
    ["Connect binary", "application/proto", "content-encoding", () => gzipSync(message())],
    ["Connect JSON", "application/json", "content-encoding", () => gzipSync(`{"orderId":"${orderId}"}`)],
    ["gRPC-Web", "application/grpc-web+proto", "grpc-encoding", () => frame(gzipSync(message()), 1)],
    ["gRPC-Web, without use of it", "application/grpc-web+proto", "grpc-encoding", () => frame(message(), 0)],
  ])("%s", async (_name, type, header, body) => {
    const response = await fetch(`http://127.0.0.1:${harness.service.httpPort}${SERVICE}/GetOrderStatus`, {
      method: "POST",
      headers: { "content-type": type, [header]: "gzip", authorization },
      body: body(),
    });
    expect([response.status, response.headers.get("grpc-status") ?? "0"]).toEqual([200, "0"]);
  });

  test("but not in a GET", async () => {
    const query = new URLSearchParams({
      connect: "v1",
      encoding: "json",
      base64: "1",
      compression: "gzip",
      message: gzipSync(`{"orderId":"${orderId}"}`).toString("base64url"),
    });
    const response = await fetch(`http://127.0.0.1:${harness.service.httpPort}${SERVICE}/GetOrderStatus?${query}`, {
      headers: { authorization },
    });
    expect([response.status, ((await response.json()) as { message: string }).message]).toEqual([
      400,
      "compression: must be identity in a GET; use POST for a compressed request",
    ]);
  });

  test("up to the unpacked size of the RPC", async () => {
    const large = gzipSync(
      toBinary(
        PauseForCancelRequestSchema,
        create(PauseForCancelRequestSchema, { orderId, operator: "x".repeat(5 * 1024 * 1024) }),
      ),
    );
    const reversal = `Bearer ${await issuer.token({ sub: "reversal", roles: ["reversal"] })}`;
    const { headers } = await requestHttp2(
      harness.service.grpcPort,
      {
        ":path": `${SERVICE}/PauseForCancel`,
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-encoding": "gzip",
        authorization: reversal,
      },
      frame(large, 1),
    );
    expect(headers["grpc-status"]).toBe("8");
  });
});
