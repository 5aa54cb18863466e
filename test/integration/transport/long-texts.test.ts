import { once } from "node:events";
import { type IncomingHttpHeaders, request as requestHttp1 } from "node:http";
import { connect } from "node:http2";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { useService } from "../../support/service.ts";
import { envelope, SOAP_12 } from "../legacy/envelopes.ts";

const harness = useService({ OMS_TLS_TERMINATED_BY: "127.0.0.1" });
const RPC = "/oms.orderstatus.v1.OrderStatusService/GetOrderStatus";
const CHANGE = "/oms.orderstatus.v1.OrderStatusService/UpdateOrderStatus";

/** Longest run of a client's text in an answer, in characters: the limit of an error's message. */
const MAX_IN_ANSWER = 600;

/** The same in a log line. */
const MAX_IN_LOG = 2_000;

/** The headers of HTTP/1.1 are limited to 16 KiB in all, those of HTTP/2 to 64 KiB. */
const LENGTHS = { http1: 15_000, http2: 60_000, body: 100_000, refused: 1_000_000 };

const long = (length: number) => "p".repeat(length);

interface Sent {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer as a text, with its headers; "" if the connection was closed. */
type Send = (request: Sent) => Promise<string>;

const overHttp1: Send = ({ path, method = "POST", headers = {}, body = "" }) =>
  new Promise((resolve) => {
    const { httpPort: port } = harness.service;
    const request = requestHttp1({ port, path, method, headers }, (response) => {
      text(response).then(
        (received) => resolve(`${JSON.stringify(response.headers)}\n${received}`),
        () => resolve(""),
      );
    });
    request.on("error", () => resolve(""));
    request.end(body);
  });

function overHttp2(port: () => number): Send {
  return async ({ path, method = "POST", headers = {}, body = "" }) => {
    const session = connect(`http://127.0.0.1:${port()}`);
    session.on("error", () => {});
    try {
      const received: (IncomingHttpHeaders | string)[] = [];
      const stream = session.request({ ":method": method, ":path": path, ...headers });
      stream.on("error", () => {});
      stream.on("response", (answer) => received.push(answer));
      stream.on("trailers", (answer) => received.push(answer));
      stream.on("data", (bytes: Buffer) => received.push(bytes.toString()));
      stream.end(body);
      await once(stream, "close");
      return received.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join("\n");
    } catch {
      return "";
    } finally {
      session.destroy();
    }
  };
}

const frame = (message: string) => `\0\0\0\0${String.fromCharCode(message.length)}${message}`;

const JSON_TYPE = { "content-type": "application/json" };
const GRPC = { "content-type": "application/grpc", te: "trailers" };

/** A request with a long text in each place that a message could quote. */
const REQUESTS: Readonly<Record<string, (length: number) => Sent>> = {
  "an unknown path": (length) => ({ path: `/${long(length)}`, method: "GET" }),
  "an unknown RPC": (length) => ({
    path: `/oms.orderstatus.v1.OrderStatusService/${long(length)}`,
    headers: JSON_TYPE,
  }),
  "an RPC that is nearly right": (length) => ({ path: `/${long(length)}/GetOrderStatu`, headers: JSON_TYPE }),
  "a legacy path": (length) => ({ path: `/services/orderStatus/${long(length)}` }),
  "a legacy query": (length) => ({
    path: `/services/orderStatus/getOrderStatus?orderId=${long(length)}`,
    method: "GET",
  }),
  "a legacy flag": (length) => ({
    path: `/services/orderStatus/puaseOrderStatus?orderId=1&isPause=${long(length)}`,
    method: "GET",
  }),
  "the message of a GET": (length) => ({
    path: `${RPC}?encoding=json&connect=v1&message={"orderId":"${long(length)}"}`,
    method: "GET",
  }),
  ...Object.fromEntries(
    ["encoding", "compression", "base64", "connect", "x"].map((name) => [
      `the parameter ${name} of a GET`,
      (length: number) => ({ path: `${RPC}?message={}&encoding=json&${name}=${long(length)}`, method: "GET" }),
    ]),
  ),
  "the parameter compression of a GET without a message": (length) => ({
    path: `${RPC}?encoding=json&compression=${long(length)}`,
    method: "GET",
  }),
  ...Object.fromEntries(
    [
      "oms-caller",
      "authorization",
      "traceparent",
      "x-forwarded-for",
      "x-forwarded-host",
      "forwarded",
      "origin",
      "referer",
      "user-agent",
      "content-encoding",
      "connect-protocol-version",
      "connect-timeout-ms",
      "connect-content-encoding",
      "accept-encoding",
      "grpc-timeout",
      "grpc-encoding",
      "soapaction",
    ].map((name) => [
      `the header ${name}`,
      (length: number) => ({ path: RPC, headers: { ...JSON_TYPE, [name]: long(length) }, body: '{"orderId":"404"}' }),
    ]),
  ),
  "the address behind a proxy": (length) => ({
    path: RPC,
    headers: { ...JSON_TYPE, "x-forwarded-for": `fe80::1%${long(length)}` },
    body: '{"orderId":"404"}',
  }),
  "the content type": (length) => ({ path: RPC, headers: { "content-type": `text/${long(length)}` }, body: "{}" }),
  "a legacy multipart type": (length) => ({
    path: "/services/orderStatus/getOrderStatus",
    headers: { "content-type": `multipart/${long(length)}` },
  }),
  "a legacy charset": (length) => ({
    path: "/services/orderStatus/getOrderStatus",
    headers: { "content-type": `text/plain; charset=${long(length)}` },
    body: "orderId=1",
  }),
  "a legacy content encoding": (length) => ({
    path: "/services/orderStatus/getOrderStatus",
    headers: { "content-encoding": long(length) },
  }),
};

const soap = (body: string, soapVersion?: string): Sent => ({
  path: "/services/orderStatus",
  headers: { "content-type": "text/xml" },
  body: envelope(body, soapVersion === undefined ? {} : { soap: soapVersion }),
});

/** The same in a body. */
const BODIES: Readonly<Record<string, (length: number) => Sent>> = {
  ...Object.fromEntries(
    [
      ["a field name in JSON", (length: number) => ({ [long(length)]: 1 })],
      ["an id in JSON", (length: number) => ({ orderId: long(length) })],
      ["a state in JSON", (length: number) => ({ status: long(length) })],
      ["a time in JSON", (length: number) => ({ occurTime: long(length) })],
      ["an operator in JSON", (length: number) => ({ orderId: "1", status: 1010, operator: long(length) })],
      [
        "a request id in JSON",
        (length: number) => ({ orderId: "1", status: 1010, operator: "x", requestId: long(length) }),
      ],
    ].map(([name, bodyOf]) => [
      name as string,
      (length: number) => ({
        path: CHANGE,
        headers: JSON_TYPE,
        // Within the size limit of the RPC.
        body: JSON.stringify((bodyOf as (length: number) => object)(Math.min(length, 15_000))),
      }),
    ]),
  ),
  "malformed JSON": () => ({ path: CHANGE, headers: JSON_TYPE, body: `{"a":${long(15_000)}` }),
  "a legacy parameter": (length) => ({ path: "/services/orderStatus/getOrderStatus", body: `orderId=${long(length)}` }),
  "a name given twice": (length) => ({
    path: "/services/orderStatus/getOrderStatus",
    body: `{"${long(length)}":1,"${long(length)}":2}`,
  }),
  "a SOAP operation": (length) => soap(`<${long(length)}/>`),
  "a SOAP operation in parts": () => soap(`<${long(900)}/>`),
  "a SOAP namespace": (length) => soap(`<o:x xmlns:o="urn:${long(length)}"/>`),
  "a SOAP root": (length) => ({ ...soap(""), body: `<${long(length)}/>` }),
  "a SOAP root in a namespace": () => ({ ...soap(""), body: `<Envelope xmlns="urn:${long(900)}"/>` }),
  "a SOAP reference": () => soap(`<getOrderStatus><orderId href="#${long(900)}"/></getOrderStatus>`),
  "a SOAP parameter": () => soap(`<getOrderStatus><${long(900)}><x/></${long(900)}></getOrderStatus>`),
  "a SOAP text": (length) => soap(`<getOrderStatus><orderId>${long(length)}</orderId></getOrderStatus>`),
  "SOAP headers": () => ({
    ...soap(""),
    body: `<s:Envelope xmlns:s="${SOAP_12}"><s:Header>${`<h:${long(200)} xmlns:h="urn:${long(500)}" s:mustUnderstand="1"/>`.repeat(1_000)}</s:Header><s:Body/></s:Envelope>`,
  }),
  "an unknown entity": (length) => soap(`<getOrderStatus><orderId>&${long(length)};</orderId></getOrderStatus>`),
  "malformed XML": (length) => soap(`<getOrderStatus a=${long(Math.min(length, 900))}>`),
};

const LONGEST_RUN = /p+/g;

const longestRun = (texts: readonly string[]): number =>
  Math.max(0, ...texts.flatMap((one) => (one.match(LONGEST_RUN) ?? []).map((run) => run.length)));

/** The values in base64 that an answer has beside its text: error details. */
function withDecoded(answer: string): readonly string[] {
  const encoded = (answer.match(/[A-Za-z\d+/]{40,}/g) ?? []).map((part) =>
    Buffer.from(part, "base64").toString("latin1"),
  );
  return [answer, ...encoded];
}

async function expectShort(send: Send, request: Sent): Promise<void> {
  const before = harness.service.log.length;
  const answer = await send(request);
  expect(longestRun(withDecoded(answer))).toBeLessThanOrEqual(MAX_IN_ANSWER);
  expect(answer.length).toBeLessThan(16_000);
  const lines = harness.service.log.slice(before).map((line) => JSON.stringify(line));
  expect(longestRun(lines)).toBeLessThanOrEqual(MAX_IN_LOG);
  expect(Math.max(0, ...lines.map((line) => line.length))).toBeLessThan(5_000);
}

const named = (requests: typeof REQUESTS) => Object.entries(requests).map(([name, of]) => [name, of] as const);

describe("over HTTP/1.1, the answer and the log quote the beginning of", () => {
  test.each(named(REQUESTS))("%s", async (_name, requestOf) => {
    await expectShort(overHttp1, requestOf(LENGTHS.http1));
    await expectShort(overHttp1, requestOf(LENGTHS.refused));
  });

  test.each(named(BODIES))("%s", async (_name, requestOf) => {
    await expectShort(overHttp1, requestOf(LENGTHS.body));
  });
});

describe("over HTTP/2, the answer and the log quote the beginning of", () => {
  const send = overHttp2(() => harness.service.httpPort);

  test.each(named(REQUESTS))("%s", async (_name, requestOf) => {
    await expectShort(send, requestOf(LENGTHS.http2));
    await expectShort(send, requestOf(LENGTHS.refused));
  });

  test.each([RPC, "/services/orderStatus/getOrderStatus", "/metrics", "/none"])("a method at %s", async (path) => {
    await expectShort(send, { path, method: long(LENGTHS.http2) });
  });
});

describe("over gRPC, the answer and the log quote the beginning of", () => {
  const send = overHttp2(() => harness.service.grpcPort);
  const message = frame('{"orderId":"404"}');

  test.each([
    ["an unknown service", (length: number) => ({ path: `/${long(length)}/GetOrderStatus` })],
    ["an unknown RPC", (length: number) => ({ path: `/oms.orderstatus.v1.OrderStatusService/${long(length)}` })],
    ...[
      "oms-caller",
      "authorization",
      "traceparent",
      "x-forwarded-for",
      "grpc-timeout",
      "grpc-encoding",
      "x-other",
    ].map(
      (name) => [`the header ${name}`, (length: number) => ({ path: RPC, headers: { [name]: long(length) } })] as const,
    ),
    [
      "an encoding of a compressed message",
      (length: number) => ({ path: RPC, headers: { "grpc-encoding": long(length) }, body: `\x01${message.slice(1)}` }),
    ],
    [
      "the content type",
      (length: number) => ({ path: RPC, headers: { "content-type": `application/${long(length)}` } }),
    ],
    [
      "an unknown service of health",
      () => ({ path: "/grpc.health.v1.Health/Check", body: `\0\0\0\x03\xea\n\xe7\x07${long(999)}` }),
    ],
  ] as readonly (readonly [string, (length: number) => Sent])[])("%s", async (_name, requestOf) => {
    for (const length of [LENGTHS.http2, LENGTHS.refused]) {
      const { headers, body = message, ...request } = requestOf(length);
      const type = "application/grpc+json";
      await expectShort(send, { ...request, body, headers: { ...GRPC, "content-type": type, ...headers } });
    }
  });
});

test("the search finds a long text", () => {
  expect(longestRun(withDecoded(`x${long(700)}`))).toBe(700);
  expect(longestRun(withDecoded(Buffer.from(`x${long(700)}`).toString("base64")))).toBe(700);
});
