/** Calls without an authenticated caller are limited by address; others are not affected. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import { beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  frameOf,
  openRawHttp2,
  requestHeaders,
} from "../../../tools/testkit/raw-http2.ts";
import type { TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";
import { AUDIENCE, createIssuer, ISSUER } from "../auth/issuer.ts";

const issuer = await createIssuer();
const keys = join(inject("folder"), `jwks-${process.pid}-addresses.json`);
writeFileSync(keys, issuer.jwks());
const PROXY = "127.0.0.99";
const harness = useService({
  OMS_AUTH: "jwt",
  OMS_JWT_KEYS: keys,
  OMS_JWT_ISSUER: ISSUER,
  OMS_JWT_AUDIENCE: AUDIENCE,
  OMS_TLS_TERMINATED_BY: PROXY,
  OMS_UNAUTHENTICATED_PER_SECOND: "2",
});
const SERVICE = "/oms.orderstatus.v1.OrderStatusService";
const TRANSPORTS: TransportName[] = ["gRPC", "Connect JSON", "gRPC-Web"];
const INVALID = { headers: { authorization: "Bearer e30.e30.c2ln" } };
const errorOf = (call: Promise<unknown>) => call.then(() => undefined, ConnectError.from);
const newToken = async () => `Bearer ${await issuer.token({ sub: "tms", roles: ["tms"] })}`;

let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

/** Maximum number of calls until one is rejected: four are accepted at once, and two per second. */
const MAX_ACCEPTED = 50;

/** Repeats a call until it is rejected by the limit. */
async function exhaust<Result>(call: () => Promise<Result>, isLimited: (result: Result) => boolean): Promise<Result> {
  for (let calls = 0; calls < MAX_ACCEPTED; calls += 1) {
    const result = await call();
    if (isLimited(result)) {
      return result;
    }
  }
  throw new Error("no call was rejected");
}

interface HttpResult {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request over HTTP/1.1 from an address. */
async function send(
  address: string,
  path: string,
  headers: Record<string, string> = {},
  body = "",
  method = body === "" ? "GET" : "POST",
): Promise<HttpResult> {
  const request = httpRequest({
    host: "127.0.0.1",
    port: harness.service.httpPort,
    localAddress: address,
    path,
    method,
    headers,
    agent: false,
  });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

const getOrder = (address: string, headers: Record<string, string>) =>
  send(
    address,
    `${SERVICE}/GetOrderStatus`,
    { "content-type": "application/json", ...headers },
    `{"orderId":"${orderId}"}`,
  );

/** A gRPC call without a message, from an address. @returns the status */
async function callGrpc(address: string, path: string): Promise<string> {
  const socket: Socket = connect({ host: "127.0.0.1", port: harness.service.grpcPort, localAddress: address });
  const session = connectHttp2("http://127.0.0.1", { createConnection: () => socket });
  try {
    return await callOn(session, path);
  } finally {
    session.destroy();
  }
}

async function callOn(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  let status: string | undefined;
  const read = (received: IncomingHttpHeaders) => {
    status = received["grpc-status"]?.toString() ?? status;
  };
  stream.on("response", read).on("trailers", read);
  stream.end(Buffer.alloc(5));
  stream.resume();
  await once(stream, "close");
  return String(status);
}

const isLimited = ({ status }: HttpResult) => status === 429;

describe.each(TRANSPORTS)("invalid tokens over %s", (transport) => {
  test("are no longer verified, and an accepted token is served all the time", async () => {
    const client = harness.client(transport);
    const known = { headers: { authorization: await newToken() } };
    const connected = { headers: { authorization: await newToken() } };
    // The limit of this address may be exhausted by the test before.
    await eventually(async () => expect(await errorOf(client.getOrderStatus({ orderId }, known))).toBeUndefined());
    const error = await exhaust(
      () => errorOf(client.getOrderStatus({ orderId }, INVALID)),
      (result) => result?.code === Code.ResourceExhausted,
    );
    expect(error?.findDetails(ErrorInfoSchema)).toMatchObject([
      { reason: "ADDRESS_RATE_LIMITED", domain: "orderstatus.oms" },
    ]);
    expect(error?.findDetails(RetryInfoSchema)).toMatchObject([{ retryDelay: { seconds: 1n } }]);
    const calls = Array.from({ length: 200 }, () => client.getOrderStatus({ orderId }, known));
    await Promise.all(calls);
    await exhaust(
      () =>
        errorOf(
          client
            .watchOrderStatus({ orderIds: [orderId] }, INVALID)
            [Symbol.asyncIterator]()
            .next(),
        ),
      (result) => result?.code === Code.ResourceExhausted,
    );
    await eventually(async () => expect(await errorOf(client.getOrderStatus({ orderId }, connected))).toBeUndefined());
  });
});

test("a stream over Connect is rejected in its protocol", async () => {
  const frame = `\0\0\0\0\x02{}`;
  const { status, body } = await exhaust(
    () => send("127.0.0.21", `${SERVICE}/WatchOrderStatus`, { "content-type": "application/connect+json" }, frame),
    ({ body }) => body.includes("resource_exhausted"),
  );
  expect(status).toBe(200);
  expect(JSON.parse(body.slice(5))).toMatchObject({ error: { code: "resource_exhausted" } });
});

test("another address is not affected, nor another client of a proxy", async () => {
  const limited = await exhaust(() => getOrder("127.0.0.22", { authorization: "Bearer x" }), isLimited);
  expect(limited.headers).toMatchObject({ "retry-after": "1", connection: "close" });
  expect(JSON.parse(limited.body)).toMatchObject({ code: "resource_exhausted", details: [{}, {}] });
  await exhaust(async () => {
    await getOrder("127.0.0.22", { authorization: "Bearer x" });
    return getOrder("127.0.0.22", { authorization: await newToken() });
  }, isLimited);
  expect((await getOrder("127.0.0.23", { authorization: await newToken() })).status).toBe(200);
  const through = (client: string, authorization: string) =>
    getOrder(PROXY, { authorization, "x-forwarded-for": `192.0.2.7, ${client}` });
  await exhaust(() => through("198.51.100.1", "Bearer x"), isLimited);
  expect((await through("198.51.100.2", await newToken())).status).toBe(200);
});

test.each([
  ["an unknown path", "/nothing"],
  ["an unknown legacy path", "/services/nothing"],
  ["the overview", "/services"],
  ["a WSDL", "/services/orderStatus?wsdl"],
  ["metrics", "/metrics"],
])("%s over HTTP; health checks are served", async (name, path) => {
  const address = `127.0.1.${name.length}`;
  await exhaust(() => send(address, path), isLimited);
  expect((await send(address, "/healthz")).status).toBe(200);
  expect((await send(`127.0.3.${name.length}`, path)).status).not.toBe(429);
});

test("calls without permission: those that are permitted are served all the time", async () => {
  const headers = { authorization: await newToken() };
  const denied = (address: string) =>
    send(
      address,
      "/oms.operations.v1.ActionService/ListActions",
      { "content-type": "application/json", ...headers },
      "{}",
    );
  const limited = await exhaust(() => denied("127.0.0.30"), isLimited);
  expect(limited.headers).toMatchObject({ "retry-after": "1", connection: "close" });
  expect((await getOrder("127.0.0.30", headers)).status).toBe(200);
  await exhaust(() => send("127.0.0.31", "/metrics", headers), isLimited);
  expect((await denied("127.0.0.32")).status).toBe(403);
});

test("a caller that lacks the permission for one legacy method is served by others over SOAP", async () => {
  // More than may lack permission at once, by a caller that may not call the first method.
  const authorization = `Bearer ${await issuer.token({ sub: "reader", roles: ["read-only"] })}`;
  const envelope =
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>' +
    `<o:getOrderStatus xmlns:o="http://service.oms/"><orderId>${orderId}</orderId></o:getOrderStatus></s:Body></s:Envelope>`;
  const headers = { "content-type": "text/xml", authorization };
  for (let calls = 0; calls < 30; calls += 1) {
    expect((await send("127.0.0.34", "/services/orderStatus", headers, envelope)).status).toBe(200);
  }
});

test("calls without permission over gRPC: their connection stays open", async () => {
  const socket = connect({ host: "127.0.0.1", port: harness.service.grpcPort, localAddress: "127.0.0.33" });
  const session = connectHttp2("http://127.0.0.1", { createConnection: () => socket });
  onTestFinished(() => session.destroy());
  const authorization = await newToken();
  const call = (rpc: string) => callOn(session, `${SERVICE}/${rpc}`, { authorization });
  expect(await call("ListOrderSources")).toBe("0");
  const codes = new Set<string>();
  // More than the calls of an unknown caller after which its connection is closed.
  for (let calls = 0; calls < 300; calls += 50) {
    for (const code of await Promise.all(Array.from({ length: 50 }, () => call("CancelOrder")))) {
      codes.add(code);
    }
  }
  expect(codes).toEqual(new Set([String(Code.PermissionDenied), String(Code.ResourceExhausted)]));
  expect(await call("ListOrderSources")).toBe("0");
});

test.each([
  ["a legacy call", "/services/orderStatus/getOrderStatus", "application/x-www-form-urlencoded", "orderId=1"],
  ["a SOAP message", "/services/orderStatus", "text/xml", "<a/>"],
])("%s that is not authenticated is rejected unread", async (name, path, type, body) => {
  const address = `127.0.4.${name.length}`;
  const limited = await exhaust(() => send(address, path, { "content-type": type }, body), isLimited);
  expect(limited.headers).toMatchObject({ "retry-after": "1", connection: "close" });
});

test("preflight requests: five times as many", async () => {
  const headers = { origin: "https://shop.example.com", "access-control-request-method": "POST" };
  const preflight = () => send("127.0.0.29", `${SERVICE}/GetOrderStatus`, headers, "", "OPTIONS");
  const first = await Promise.all(Array.from({ length: 20 }, preflight));
  expect(first.map(({ status }) => status)).toEqual(first.map(() => 204));
  await exhaust(preflight, isLimited);
});

test.each(["/healthz", "/readyz"])("%s", async (path) => {
  await exhaust(() => send(path === "/healthz" ? "127.0.0.25" : "127.0.0.26", path), isLimited);
});

test.each([
  ["unknown", "/oms.orderstatus.v1.Nothing/Get"],
  ["reflection", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"],
])("%s over gRPC; health checks are served", async (name, path) => {
  const address = `127.0.2.${name.length}`;
  await exhaust(
    () => callGrpc(address, path),
    (status) => status === "8",
  );
  expect(await callGrpc(address, "/grpc.health.v1.Health/Check")).toBe("0");
  await exhaust(
    () => callGrpc(address, "/grpc.health.v1.Health/Check"),
    (status) => status === "8",
  );
});

test("reflection over HTTP", async () => {
  const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
  const session = connectHttp2(`http://127.0.0.1:${harness.service.httpPort}`);
  onTestFinished(() => session.destroy());
  const call = async () => {
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc-web+proto" });
    stream.end();
    stream.resume();
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
    stream.destroy();
    return headers["grpc-status"];
  };
  await exhaust(call, (status) => status === "8");
});

test("a connection that floods is closed, whether or not it reads the answers", async () => {
  const raw = await openRawHttp2(harness.service.grpcPort, { localAddress: "127.0.0.28" });
  onTestFinished(() => void raw.socket.destroy());
  let closed = false;
  raw.closed.finally(() => {
    closed = true;
  });
  // Most calls are refused by Node, as too many are open.
  for (let stream = 1; !closed; stream += 2) {
    const headers = requestHeaders(`${SERVICE}/GetOrderStatus`);
    raw.socket.write(frameOf(FRAME.headers, END_HEADERS | END_STREAM, stream, headers));
    await (stream % 100 === 1 ? sleep(1) : undefined);
  }
  expect(closed).toBe(true);
});

test("many clients behind one address with valid tokens, new ones included, do not meet the limit", async () => {
  const client = harness.client("gRPC");
  const tokens = await Promise.all(Array.from({ length: 100 }, newToken));
  const first = { headers: { authorization: tokens[0] as string } };
  await eventually(async () => expect(await errorOf(client.getOrderStatus({ orderId }, first))).toBeUndefined());
  for (let round = 0; round < 5; round += 1) {
    const calls = tokens.map((authorization) => client.getOrderStatus({ orderId }, { headers: { authorization } }));
    await Promise.all(calls);
  }
});

test("rejections are counted by kind, and logged with the address", async () => {
  const authorization = `Bearer ${await issuer.token({ sub: "prometheus", roles: ["monitoring"] })}`;
  const { body } = await send("127.0.0.27", "/metrics", { authorization });
  for (const kind of ["authentication", "permission", "health", "preflight", "open"]) {
    expect(body).toMatch(new RegExp(`oms_address_rate_limited_total\\{kind="${kind}"\\} [1-9]`));
  }
  expect(harness.service.log).toContainEqual(
    expect.objectContaining({
      level: "warn",
      msg: "address exceeded its rate limit",
      address: expect.stringMatching(/^[0-9.]+$/),
    }),
  );
});
