import { once } from "node:events";
import { request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { insertOrder } from "../../support/orders.ts";
import { useService } from "../../support/service.ts";

const harness = useService({ OMS_CORS_ORIGINS: "https://console.example.com,http://localhost:3000" });
const SERVICE = "/oms.orderstatus.v1.OrderStatusService";
const url = (path: string) => `http://127.0.0.1:${harness.service.httpPort}${path}`;

const PREFLIGHT = {
  method: "OPTIONS",
  headers: { origin: "https://console.example.com", "access-control-request-method": "POST" },
};

let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
});

test.each([
  ["a page", "/healthz", {}],
  ["an unknown path", "/nowhere", {}],
  ["a method that is not allowed", "/metrics", { method: "DELETE" }],
  ["an RPC", `${SERVICE}/GetOrderStatus`, json({ orderId: "77" })],
  ["a body that is no message", `${SERVICE}/GetOrderStatus`, json([])],
  ["a preflight", `${SERVICE}/GetOrderStatus`, PREFLIGHT],
  ["a legacy endpoint", "/services/orderStatus/getOrderStatus?orderId=77", {}],
  ["the WSDL", "/services/orderStatus?wsdl", {}],
  ["a SOAP fault", "/services/orderStatus", { method: "POST", body: "<x/>" }],
])("%s: no guessing of content types, no HSTS in plaintext", async (_, path, init) => {
  const { headers } = await fetch(url(path), init);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.has("strict-transport-security")).toBe(false);
});

describe("pages", () => {
  test("/healthz: alive", async () => {
    const response = await fetch(url("/healthz"));
    expect([response.status, await response.json()]).toEqual([200, { status: "alive" }]);
    expect((await fetch(url("/healthz"), { method: "HEAD" })).status).toBe(200);
  });

  test("/readyz: ready without broker and Redis", async () => {
    const response = await fetch(url("/readyz"));
    expect([response.status, await response.json()]).toEqual([
      200,
      {
        ready: true,
        draining: false,
        database: "ok",
        broker: expect.stringContaining("unreachable"),
        redis: expect.stringContaining("unreachable"),
      },
    ]);
  });

  test("/metrics: RPCs by transport and code", async () => {
    await fetch(url(`${SERVICE}/GetOrderStatus`), json({ orderId: "77" }));
    const metrics = await (await fetch(url("/metrics"))).text();
    expect(metrics).toMatch(
      /oms_rpc_duration_seconds_count\{rpc="GetOrderStatus",transport="http",code="NOT_FOUND"\} \d/,
    );
  });

  test("other paths: 404 with the valid endpoints", async () => {
    const response = await fetch(url("/orders/5?x=1"));
    expect([response.status, await response.json()]).toEqual([
      404,
      {
        code: "not_found",
        message:
          "no endpoint at GET /orders/5: use POST /oms.orderstatus.v1.OrderStatusService/<Rpc> or /oms.fulfilment.v1.FulfilmentService/<Rpc> or /oms.reversal.v1.OrderReversalService/<Rpc> or /oms.operations.v1.ActionService/<Rpc> or /oms.operations.v1.ShadowService/<Rpc> (content-type application/json), or GET /healthz, /readyz or /metrics",
      },
    ]);
  });

  test("an unknown RPC is unimplemented, with the nearest one", async () => {
    const response = await fetch(url(`${SERVICE}/GetOrderState`), json({}));
    expect([response.status, await response.json()]).toEqual([
      404,
      {
        code: "unimplemented",
        message: `no endpoint at POST ${SERVICE}/GetOrderState: did you mean ${SERVICE}/GetOrderStatus?`,
      },
    ]);
  });

  test("a page does not allow POST", async () => {
    const response = await fetch(url("/healthz"), { method: "POST" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});

interface Rejection {
  readonly code: string;
  readonly message: string;
  readonly details: readonly unknown[];
}

describe("malformed requests", () => {
  const rejection = async (response: Response) => {
    const { code, message } = (await response.json()) as { code: string; message: string };
    return { status: response.status, code, message };
  };

  test("an RPC with side effects does not allow GET", async () => {
    expect(await rejection(await fetch(url(`${SERVICE}/CancelOrder?encoding=json&message={}`)))).toEqual({
      status: 405,
      code: "unimplemented",
      message: "method GET is not allowed: use POST; GET is for RPCs without side effects only",
    });
  });

  const GET = `${SERVICE}/GetOrderStatus?connect=v1`;

  test.each([
    [
      "without a message",
      `${GET}&encoding=json&mesage={"orderId":"5"}`,
      "message: is required in a GET, and was not given",
    ],
    ["with two messages", `${GET}&encoding=json&message={"orderId":"5"}&message={}`, "message: must be given once"],
    [
      "with two encodings",
      `${GET}&encoding=json&encoding=proto&message={"orderId":"5"}`,
      "encoding: must be given once",
    ],
  ])("a GET %s", async (_name, path, message) => {
    const expected = { status: 400, code: "invalid_argument", message };
    expect(await rejection(await fetch(url(path)))).toEqual(expected);
  });

  test.each([GET, `${GET}&message={}`, `${GET}&encoding=xml&message={}`])(
    "a GET without a known encoding: %s",
    async (path) => {
      expect(await rejection(await fetch(url(path)))).toEqual({
        status: 415,
        code: "unimplemented",
        message: "a GET needs the parameters encoding (json or proto) and message: use POST for any other request",
      });
    },
  );

  test("a GET is read beyond a second question mark", async () => {
    const response = await fetch(url(`${GET}&from=a?b&encoding=json&message={"orderId":"${orderId}"}`));
    expect(await response.json()).toMatchObject({ orderId: String(orderId) });
  });

  test("a form", async () => {
    const response = await fetch(url(`${SERVICE}/GetOrderStatus`), {
      method: "POST",
      body: new URLSearchParams({ orderId: "5" }),
    });
    expect(await rejection(response)).toMatchObject({
      status: 415,
      message: expect.stringMatching(/^content-type application\/x-www-form-urlencoded;charset=UTF-8 is not supported/),
    });
  });

  const malformed = "malformed oms.orderstatus.v1.GetOrderStatusRequest: ";
  test.each([
    ["broken JSON", "application/json", '{"orderId": 5', /in JSON at position 13/],
    ["broken binary", "application/proto", "\xff\xff", /premature EOF/],
    ["an empty body for JSON", "application/json", "", /Unexpected end of JSON input/],
    ["invalid UTF-8", "application/json", '{"orderId": "\xe9"}', /invalid UTF-8/],
  ])("%s is INVALID_ARGUMENT with BadRequest and a call id", async (_name, type, body, reason) => {
    const response = await fetch(url(`${SERVICE}/GetOrderStatus`), {
      method: "POST",
      headers: { "content-type": type },
      body: Buffer.from(body, "latin1"),
    });
    expect(response.headers.get("oms-call-id")).toMatch(/^[\w-]+$/);
    const { code, message, details } = (await response.json()) as Rejection;
    expect([response.status, code]).toEqual([400, "invalid_argument"]);
    expect(message.startsWith(malformed)).toBe(true);
    expect(message).toMatch(reason);
    expect(details).toEqual([
      expect.objectContaining({
        type: "google.rpc.BadRequest",
        debug: { fieldViolations: [expect.objectContaining({ field: "", description: message })] },
      }),
    ]);
  });

  test("broken binary over gRPC-Web", async () => {
    const response = await fetch(url(`${SERVICE}/GetOrderStatus`), {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: Buffer.from([0, 0, 0, 0, 2, 255, 255]),
    });
    const trailers = await response.text();
    expect(trailers).toContain("grpc-status: 3");
    expect(decodeURIComponent(trailers)).toContain(`${malformed}premature EOF`);
  });

  test.each([
    ["binary", "application/connect+proto", Buffer.from([0, 0, 0, 0, 2, 255, 255])],
    ["JSON", "application/connect+json", Buffer.from([0, 0, 0, 0, 1, 123])],
  ])("a broken %s request for a stream", async (_name, type, body) => {
    const response = await fetch(url(`${SERVICE}/WatchOrderStatus`), {
      method: "POST",
      headers: { "content-type": type },
      body,
    });
    expect(await response.text()).toMatch(/"code":"invalid_argument","message":"malformed oms/);
  });

  test.each([
    ["no message", [], "12", "the body must be one message, was 0"],
    ["two messages", [0, 0, 0, 0, 2, 8, 5, 0, 0, 0, 0, 2, 8, 5], "12", "the body must be one message, was 2"],
    ["an incomplete message", [0, 0, 0, 0, 2, 8], "3", "the body must be one message: a flag"],
    ["a compressed message without an encoding", [1, 0, 0, 0, 2, 8, 5], "3", "is marked as compressed"],
  ])("%s over gRPC-Web", async (_name, body, code, message) => {
    const response = await fetch(url(`${SERVICE}/GetOrderStatus`), {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: Buffer.from(body),
    });
    const trailers = decodeURIComponent(await response.text());
    expect(trailers).toContain(`grpc-status: ${code}`);
    expect(trailers).toContain(message);
  });

  test.each([
    ["an unknown RPC", `${SERVICE}/GetOrderState`, "POST", "application/grpc-web+proto", "did you mean"],
    ["an unknown format", `${SERVICE}/GetOrderStatus`, "POST", "application/grpc-web+foo", "is not supported: use"],
    ["another method", `${SERVICE}/GetOrderStatus`, "PUT", "application/grpc-web-text", "method PUT is not allowed"],
  ])("%s over gRPC-Web is unimplemented, in headers", async (_name, path, method, type, message) => {
    const response = await fetch(url(path), { method, headers: { "content-type": type }, body: Buffer.alloc(5) });
    const { headers } = response;
    expect([response.status, headers.get("content-type"), headers.get("grpc-status")]).toEqual([200, type, "12"]);
    expect(decodeURIComponent(headers.get("grpc-message") ?? "")).toContain(message);
    expect(await response.text()).toBe("");
  });

  test("a broken message in GET", async () => {
    const response = await fetch(url(`${SERVICE}/GetOrderStatus?encoding=proto&base64=1&message=__8`));
    expect(await rejection(response)).toMatchObject({ status: 400, code: "invalid_argument" });
  });

  test("broken gzip", async () => {
    const response = await fetch(url(`${SERVICE}/GetOrderStatus`), {
      ...json({}),
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
    });
    expect(await rejection(response)).toMatchObject({ status: 400, code: "invalid_argument" });
  });

  test.each([
    ["plain", (text: string) => Buffer.from(text), {}],
    ["as 4 KB of gzip", (text: string) => gzipSync(text), { "content-encoding": "gzip" }],
  ])("more than 4 MiB, %s, is RESOURCE_EXHAUSTED", async (_name, encode, headers) => {
    const response = await fetch(url(`${SERVICE}/PauseForCancel`), {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: encode(JSON.stringify({ orderId: "1", operator: "x".repeat(4 * 1024 * 1024) })),
    });
    expect(await rejection(response)).toMatchObject({ status: 429, code: "resource_exhausted" });
  });

  test.each([
    ["no host", "GET /healthz HTTP/1.0\r\n\r\n", /^HTTP\/1.1 200/],
    [
      "an RPC without host",
      "GET /oms.orderstatus.v1.OrderStatusService/ListOrderSources HTTP/1.0\r\n\r\n",
      /^HTTP\/1.1 415/,
    ],
    [
      "a malformed host",
      "GET /oms.orderstatus.v1.OrderStatusService/ListOrderSources HTTP/1.1\r\nhost: [\r\n\r\n",
      /^HTTP\/1.1 400/,
    ],
    ["not HTTP", "hello\r\n\r\n", /^HTTP\/1.1 400/],
    ["part of the HTTP/2 preface, then something else", "PRO\r\n\r\n", /^HTTP\/1.1 400/],
  ])("%s affects no other request", async (_name, request, response) => {
    const socket = await open();
    socket.write(request);
    expect(String((await once(socket, "data"))[0])).toMatch(response);
    socket.destroy();
    expect((await fetch(url("/healthz"))).status).toBe(200);
  });
});

describe("HTTP/1.1 and HTTP/2 on one port", () => {
  test("HTTP/2 whose first bytes arrive one by one", async () => {
    const socket = await open();
    const pieces = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    for (const byte of pieces.subarray(0, 4)) {
      socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    // The rest and empty SETTINGS; the server responds with its own.
    socket.write(Buffer.concat([pieces.subarray(4), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])]));
    const [response] = (await once(socket, "data")) as [Buffer];
    expect(response[3]).toBe(4);
    socket.destroy();
  });

  test("many calls on one HTTP/2 connection", async () => {
    const session = connectHttp2(url(""));
    const call = async () => {
      const stream = session.request({
        ":method": "POST",
        ":path": `${SERVICE}/GetOrderStatus`,
        "content-type": "application/json",
      });
      stream.end(JSON.stringify({ orderId: String(orderId) }));
      return JSON.parse(await text(stream)).orderStatus;
    };
    expect(new Set(await Promise.all(Array.from({ length: 100 }, call)))).toEqual(new Set(["ORDER_STATUS_PICKING"]));
    session.close();
  });
});

describe("CORS", () => {
  const preflight = (origin: string) =>
    fetch(url(`${SERVICE}/GetOrderStatus`), {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,oms-caller",
      },
    });

  test("a preflight of a configured origin", async () => {
    const { status, headers } = await preflight("https://console.example.com");

    expect(status).toBe(204);
    expect(headers.get("access-control-allow-origin")).toBe("https://console.example.com");
    expect(headers.get("vary")).toBe("Origin");
    expect(headers.get("access-control-allow-methods")).toBe("POST, GET");
    const allowed = headers.get("access-control-allow-headers")?.toLowerCase().split(", ") ?? [];
    expect(allowed).toEqual(
      expect.arrayContaining([
        ...["authorization", "content-type", "connect-protocol-version", "connect-timeout-ms", "x-grpc-web"],
        ...["grpc-timeout", "oms-caller", "traceparent", "tracestate", "baggage"],
      ]),
    );
  });

  test("a page of a configured origin can read the response", async () => {
    const { headers } = await fetch(url(`${SERVICE}/GetOrderStatus`), {
      ...json({ orderId: String(orderId) }),
      headers: { "content-type": "application/json", origin: "http://localhost:3000" },
    });
    expect(headers.get("access-control-allow-origin")).toBe("http://localhost:3000");
    const exposed = headers.get("access-control-expose-headers")?.toLowerCase().split(", ") ?? [];
    expect(exposed).toEqual(
      expect.arrayContaining([
        ...["grpc-status", "grpc-message", "grpc-status-details-bin", "oms-call-id", "oms-code"],
        ...["allow", "link", "retry-after", "www-authenticate"],
      ]),
    );
  });

  test("another origin gets no CORS headers", async () => {
    const { headers } = await preflight("https://evil.example.com");
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("requests of other sites", () => {
  const RPC = `${SERVICE}/UpdateOrderStatus`;
  const LEGACY = "/services/orderStatus/puaseOrderStatus";
  const requests: [string, string, RequestInit][] = [
    ["Connect", RPC, json({ orderId: "1", status: "ORDER_STATUS_PAID", operator: "x" })],
    ["Connect with GET", `${SERVICE}/ListShipmentTypes?connect=v1&encoding=json&message=%7B%7D`, {}],
    [
      "gRPC-Web",
      RPC,
      { method: "POST", headers: { "content-type": "application/grpc-web+proto" }, body: "\0\0\0\0\0" },
    ],
    ["legacy GET", `${LEGACY}?orderId=1&isPause=1`, {}],
    ["legacy form", LEGACY, { method: "POST", body: new URLSearchParams({ orderId: "1", isPause: "1" }) }],
    ["legacy JSON as text", LEGACY, { method: "POST", body: '{"orderId":1,"isPause":1}' }],
    ["SOAP", "/services/orderStatus", { method: "POST", headers: { "content-type": "text/xml" }, body: "<a/>" }],
    ["WSDL", "/services/orderStatus?wsdl", {}],
    [
      "reflection",
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
      { method: "POST", headers: { "content-type": "application/connect+proto" }, body: "" },
    ],
  ];

  async function send(path: string, { headers, ...init }: RequestInit, more: Record<string, string>) {
    // Node's fetch sets these headers itself.
    const { promise, resolve, reject } = Promise.withResolvers<[number | undefined, string]>();
    const body = init.body === undefined || init.body === null ? undefined : String(init.body);
    const form = init.body instanceof URLSearchParams && { "content-type": "application/x-www-form-urlencoded" };
    request(
      url(path),
      { method: init.method ?? "GET", headers: { ...(headers as Record<string, string>), ...form, ...more } },
      (response) => text(response).then((answer) => resolve([response.statusCode, answer]), reject),
    )
      .on("error", reject)
      .end(body);
    return promise;
  }

  describe.each(requests)("%s", (_, path, init) => {
    test.each<[string, Record<string, string>]>([
      ["another site", { origin: "http://evil.example", "sec-fetch-site": "cross-site" }],
      ["a page that hides its origin", { "sec-fetch-site": "cross-site" }],
      ["a sandboxed page", { origin: "null", "sec-fetch-site": "cross-site" }],
      ["another port of this machine", { origin: "http://localhost:9999", "sec-fetch-site": "same-site" }],
      ["a browser without Fetch metadata", { origin: "http://evil.example" }],
      ["such a browser, by GET", { referer: "http://evil.example/page" }],
    ])("%s is rejected", async (_site, headers) => {
      expect(await send(path, init, headers)).toEqual([403, expect.stringContaining("add the origin of the page to")]);
    });

    test("a name that was rebound to this machine is rejected", async () => {
      for (const host of ["rebind.evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "0.0.0.0"]) {
        const answer = await send(path, init, { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" });
        expect(answer).toEqual([403, expect.stringContaining("OMS_ALLOWED_HOSTS")]);
      }
    });

    test("a configured page, the service's own page, a typed address and other clients are served", async () => {
      const { host } = new URL(url(""));
      for (const headers of [
        { origin: "https://console.example.com", "sec-fetch-site": "cross-site" },
        { referer: "https://console.example.com/orders" },
        { origin: `http://${host}`, "sec-fetch-site": "same-origin" },
        { origin: `http://${host}` },
        { "sec-fetch-site": "none" },
        { host: `localhost:${harness.service.httpPort}` },
        { host: "[::1]" },
        { host: "oms.localhost" },
        {},
      ]) {
        expect((await send(path, init, headers))[1]).not.toMatch(/OMS_CORS_ORIGINS|OMS_ALLOWED_HOSTS/);
      }
    });
  });

  test("pages too are for loopback names only, but for health checks", async () => {
    for (const path of ["/metrics", "/nothing"]) {
      expect((await send(path, {}, { host: "evil.example" }))[0]).toBe(403);
    }
    for (const path of ["/healthz", "/readyz"]) {
      expect((await send(path, {}, { host: "10.1.2.3:8080" }))[0]).toBe(200);
    }
  });

  test.each(['x"><script>', "localhost:99999", "["])("a malformed host is rejected: %s", async (host) => {
    expect(await send("/services", {}, { host })).toEqual([400, expect.stringContaining("malformed host")]);
  });

  test("over HTTP/2 the authority is checked", async () => {
    const session = connectHttp2(url(""));
    const answer = (authority: string) => text(session.request({ ":path": "/services", ":authority": authority }));
    expect(await answer("evil.example")).toContain("OMS_ALLOWED_HOSTS");
    expect(await answer("localhost")).not.toContain("OMS_ALLOWED_HOSTS");
    session.close();
  });

  test("rejected requests are logged", () => {
    expect(harness.service.log).toContainEqual(
      expect.objectContaining({
        level: "warn",
        msg: "HTTP request rejected",
        reason: "cross-site",
        address: "127.0.0.1",
        origin: "http://evil.example",
      }),
    );
  });
});

describe("CORS for all origins", () => {
  const open = useService({ OMS_CORS_ORIGINS: "*" });

  test("a call of any origin", async () => {
    const { headers } = await fetch(`http://127.0.0.1:${open.service.httpPort}${SERVICE}/ListShipmentTypes`, {
      ...json({}),
      headers: { "content-type": "application/json", origin: "https://any.example.com" },
    });
    expect([headers.get("access-control-allow-origin"), headers.get("vary")]).toEqual(["*", null]);
  });
});

describe("slow connections", () => {
  test.concurrent("one without a request is closed", async () => {
    const socket = await open();
    await once(socket, "close");
  });

  test.concurrent("one with trickling headers is closed", async () => {
    const socket = await open();
    socket.on("error", () => {});
    socket.write("GET /healthz HTTP/1.1\r\n");
    const trickle = setInterval(() => socket.write("x: y\r\n"), 500);
    await once(socket, "close");
    clearInterval(trickle);
  });
});

async function open(): Promise<Socket> {
  const socket = connect(harness.service.httpPort, "127.0.0.1");
  await once(socket, "connect");
  return socket.resume();
}

function json(body: object): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
