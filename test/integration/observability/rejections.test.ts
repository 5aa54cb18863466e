import { writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeEach, expect, inject, onTestFinished, test } from "vitest";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { createClientAddress } from "../../../src/transport/connections/client-address.ts";
import { createGrpcServer } from "../../../src/transport/grpc/server.ts";
import { pathOfMethod } from "../../../src/transport/wire/unknown-rpc.ts";
import { eventually } from "../../support/eventually.ts";
import { useService } from "../../support/service.ts";
import { AUDIENCE, createIssuer, ISSUER } from "../auth/issuer.ts";

const issuer = await createIssuer();
const keys = join(inject("folder"), `jwks-${process.pid}-rejections.json`);
writeFileSync(keys, issuer.jwks());
const harness = useService({
  OMS_AUTH: "jwt",
  OMS_JWT_KEYS: keys,
  OMS_JWT_ISSUER: ISSUER,
  OMS_JWT_AUDIENCE: AUDIENCE,
  OMS_TLS_TERMINATED_BY: "127.0.0.1",
});

const CLIENT = "198.51.100.7";
/** As the proxy at 127.0.0.1 sends it: what the client itself claims stands before. */
const FORWARDED = { "x-forwarded-for": `203.0.113.1, ${CLIENT}` };
const RPC = "/oms.orderstatus.v1.OrderStatusService/GetOrderStatus";

beforeEach(() => void harness.service.log.splice(0));

const linesOf = (msg: string) => harness.service.log.filter((line) => line.msg === msg);

async function callHttp2(port: number, path: string, type: string): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const headers = { ":method": "POST", ":path": path, "content-type": type, te: "trailers", ...FORWARDED };
    await text(session.request(headers).end());
  } finally {
    session.destroy();
  }
}

test.each<[string, string, RequestInit & { headers?: Record<string, string> }, object]>([
  ["/metrics without a token", "/metrics?x=1", {}, { reason: "status 401", method: "GET", path: "/metrics" }],
  ["POST to /metrics", "/metrics", { method: "POST" }, { reason: "status 405", method: "POST" }],
  ["an unknown path", "/none", {}, { reason: "status 404", path: "/none" }],
  ["an unknown legacy path", "/services/none", {}, { reason: "status 404", path: "/services/none" }],
  ["another method of an RPC", RPC, { method: "PUT" }, { reason: "status 405", path: RPC }],
  [
    "another content type",
    RPC,
    { method: "POST", body: "x", headers: { "content-type": "text/x" } },
    { reason: "status 415", path: RPC },
  ],
])("%s: one line with the address behind the proxy", async (_name, path, { headers, ...init }, fields) => {
  await fetch(`http://127.0.0.1:${harness.service.httpPort}${path}`, {
    ...init,
    headers: { ...headers, ...FORWARDED },
  });
  await eventually(() =>
    expect(linesOf("HTTP request rejected")).toEqual([
      expect.objectContaining({ level: "info", address: CLIENT, ...fields }),
    ]),
  );
});

test("/metrics with a token that lacks the permission", async () => {
  const authorization = `Bearer ${await issuer.token({ sub: "tms", roles: ["tms"] })}`;
  const headers = { authorization, ...FORWARDED };
  const { status } = await fetch(`http://127.0.0.1:${harness.service.httpPort}/metrics`, { headers });
  expect(status).toBe(403);
  await eventually(() =>
    expect(linesOf("HTTP request rejected")).toMatchObject([
      { reason: "status 403", path: "/metrics", address: CLIENT },
    ]),
  );
});

test("gRPC at the HTTP port", async () => {
  await callHttp2(harness.service.httpPort, RPC, "application/grpc");
  await eventually(() =>
    expect(linesOf("HTTP request rejected")).toMatchObject([
      { reason: "gRPC at the HTTP port", path: RPC, address: CLIENT },
    ]),
  );
});

test("an unknown RPC over gRPC", async () => {
  await callHttp2(harness.service.grpcPort, "/a.b/C", "application/grpc");
  await eventually(() =>
    expect(linesOf("call rejected")).toMatchObject([
      { level: "info", reason: "unknown RPC", rpc: "/a.b/C", transport: "grpc", address: CLIENT },
    ]),
  );
});

test("a call beyond the capacity is reported with its RPC and the address behind the proxy", async () => {
  const rejected: object[] = [];
  const method = OrderStatusService.method.listShipmentTypes;
  const handle = () => Promise.reject(new Error("executed"));
  const server = createGrpcServer({
    routes: [
      {
        rpc: { method, streaming: false, hasSideEffects: false, maxRequestBytes: 1_024 },
        admit() {},
        authenticate() {},
        handle,
      },
    ],
    reflection: [],
    loadShedding: { hasCapacity: () => false, onRejected() {} },
    clientAddress: createClientAddress(["127.0.0.1"]),
    onRejected: ({ address, ...call }) => void rejected.push({ ...call, address: address() }),
  });
  onTestFinished(() => server.destroy());
  await callHttp2(await server.listen("127.0.0.1", 0), pathOfMethod(method), "application/grpc");
  expect(rejected).toEqual([{ reason: "overloaded", rpc: "ListShipmentTypes", address: CLIENT }]);
});

test.each(["gRPC", "Connect JSON", "gRPC-Web"] as const)(
  "%s: a call without credentials has one line",
  async (name) => {
    await expect(harness.client(name).getOrderStatus({ orderId: 1n }, { headers: FORWARDED })).rejects.toThrow();
    await eventually(() => expect(linesOf("call")).toMatchObject([{ code: "UNAUTHENTICATED", address: CLIENT }]));
    expect(linesOf("HTTP request rejected")).toEqual([]);
  },
);

test.each(["/healthz", "/readyz"])("%s needs no line", async (path) => {
  await fetch(`http://127.0.0.1:${harness.service.httpPort}${path}`, { headers: FORWARDED });
  expect(linesOf("HTTP request rejected")).toEqual([]);
});

test("a flood of rejected requests leaves a few lines, and their number", async () => {
  const flood = async () => {
    const request = () => fetch(`http://127.0.0.1:${harness.service.httpPort}/none`, { headers: FORWARDED });
    await Promise.all(Array.from({ length: 300 }, request));
  };
  await flood();
  const { length } = linesOf("HTTP request rejected");
  expect(length).toBeGreaterThan(0);
  expect(length).toBeLessThan(100);
  // The first line of a later second.
  await eventually(async () => {
    await flood();
    expect(linesOf("HTTP request rejected").some(({ leftOut }) => Number(leftOut) > 0)).toBe(true);
  });
});
