import { once } from "node:events";
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

let orderId = 0n;

beforeAll(async () => {
  orderId = await insertOrder(harness.db, Status.PICKING);
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
      /^HTTP\/1.1 400/,
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
        "access-control-request-headers": "content-type,oms-caller",
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
      expect.arrayContaining(["content-type", "connect-protocol-version", "x-grpc-web", "oms-caller"]),
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
      expect.arrayContaining(["grpc-status", "grpc-message", "grpc-status-details-bin", "oms-call-id", "oms-code"]),
    );
  });

  test("another origin gets no CORS headers", async () => {
    const { headers } = await preflight("https://evil.example.com");
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
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

describe("slow connections", { timeout: 30_000 }, () => {
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
