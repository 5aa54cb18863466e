import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createPace, type Pace } from "./pace.ts";
import {
  BATCH_GET,
  BATCH_UPDATE,
  ENVELOPES,
  FORM,
  GET,
  GET_WITH_GZIP,
  HEALTH_CHECK,
  HEALTH_WATCH,
  JSON_IDS,
  LEGACY_GET,
  LONG_URL,
  MESSAGES,
  prefixed,
  RECORD_SHIPPED,
  REFLECTION,
  REFLECTION_REQUEST,
  SOAP,
  SUBMIT,
  WATCH,
  zip,
} from "./requests.ts";
import { type Attack, type AttackResult, count, type Target } from "./types.ts";

/** A request. */
interface Call {
  /** POST by default. */
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces the credentials of the target. */
  readonly authorization?: () => string;
  readonly body?: Buffer;
}

/** Time before a failed call or connection is repeated, in milliseconds. */
const RETRY_MS = 20;

/** Time to wait for a response, in milliseconds. */
const RESPONSE_MS = 5_000;

/** About the bytes of a request's headers. */
const HEADER_BYTES = 100;

/** Requests per second of an attacker with valid credentials, whom rate limits would bind. */
const PER_SECOND_WITH_RIGHTS = 20;

/** Watches that are opened and not read. */
const UNREAD_WATCHES = 500;

interface SessionOptions {
  readonly sessions?: number;
  /** Concurrent calls on each. */
  readonly streams?: number;
  /** Undefined: as many as the server answers. */
  readonly perSecond?: number;
}

function headersOf({ type, authorization }: Target, call: Call): Record<string, string> {
  const credentials = call.authorization?.() ?? authorization;
  return { "content-type": type, ...(credentials !== undefined && { authorization: credentials }), ...call.headers };
}

/** Calls over HTTP/2, each as soon as another one was answered. */
const overSessions =
  (call: Call | ((target: Target) => Call), { sessions = 4, streams = 32, perSecond }: SessionOptions = {}): Attack =>
  async (target, result) => {
    const made = typeof call === "function" ? call(target) : call;
    const pace = paceOf(target, made, perSecond);
    const session = async () => {
      while (!target.signal.aborted) {
        const open = await openSession(target, result);
        // Ends the calls that the server still reads.
        const end = () => open.destroy();
        target.signal.addEventListener("abort", end, { once: true });
        await Promise.all(Array.from({ length: streams }, () => callRepeatedly(open, target, made, pace, result)));
        target.signal.removeEventListener("abort", end);
        count(result.ends, open.destroyed && !target.signal.aborted ? "closed" : "open");
        open.destroy();
        await sleep(RETRY_MS);
      }
    };
    await Promise.all(Array.from({ length: sessions }, session));
  };

/** By bytes, or by requests. */
function paceOf({ signal }: Target, { body }: Call, perSecond: number | undefined): Pace {
  const bytes = HEADER_BYTES + (body?.length ?? 0);
  return perSecond === undefined ? createPace(signal) : createPace(signal, perSecond * bytes);
}

async function openSession({ port, address }: Target, result: AttackResult): Promise<ClientHttp2Session> {
  const session = connectHttp2(`http://127.0.0.1:${port}`, { localAddress: address } as object);
  session.on("error", () => {});
  await Promise.race([once(session, "connect").catch(() => {}), once(session, "close").catch(() => {})]);
  result.connections += 1;
  return session;
}

async function callRepeatedly(
  session: ClientHttp2Session,
  target: Target,
  call: Call,
  pace: Pace,
  result: AttackResult,
): Promise<void> {
  while (!target.signal.aborted && !session.closed && !session.destroyed) {
    const bytes = HEADER_BYTES + (call.body?.length ?? 0);
    await pace(bytes);
    if (target.signal.aborted || session.closed || session.destroyed) {
      return;
    }
    const status = await oneCall(session, target, call);
    result.sent += 1;
    result.bytes += bytes;
    count(result.statuses, status);
  }
}

function oneCall(session: ClientHttp2Session, target: Target, call: Call): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request({
      ":method": call.method ?? "POST",
      ":path": call.path,
      te: "trailers",
      ...headersOf(target, call),
    });
    let status = "none";
    const read = (headers: IncomingHttpHeaders) => {
      status = headers["grpc-status"]?.toString() ?? (status === "none" ? String(headers[":status"]) : status);
    };
    const end = () => {
      stream.close();
      resolve(status);
    };
    stream
      .on("response", read)
      .on("trailers", read)
      .on("error", () => {});
    stream.once("close", () => resolve(status));
    stream.setTimeout(RESPONSE_MS, end);
    target.signal.addEventListener("abort", end, { once: true });
    stream.once("close", () => target.signal.removeEventListener("abort", end));
    stream.resume().end(call.body);
  });
}

/** Opens streams whose responses do not end, and does not read them. */
const unread =
  (call: Call, streams: number): Attack =>
  async (target, result) => {
    const session = await openSession(target, result);
    for (let opened = 0; opened < streams && !target.signal.aborted && !session.destroyed; opened += 1) {
      const stream = session.request({
        ":method": "POST",
        ":path": call.path,
        te: "trailers",
        ...headersOf(target, call),
      });
      stream.on("error", () => {}).once("response", ({ ":status": status }) => count(result.statuses, String(status)));
      stream.end(call.body);
      result.sent += 1;
      result.bytes += HEADER_BYTES + (call.body?.length ?? 0);
      await sleep(1);
    }
    if (!target.signal.aborted) {
      await once(target.signal, "abort");
    }
    count(result.ends, session.destroyed ? "closed" : "open");
    session.destroy();
  };

/** Requests over HTTP/1.1 on many connections, each as soon as another one was answered. */
const overHttp1 =
  (
    call: Call,
    { connections = 64, perSecond }: { readonly connections?: number; readonly perSecond?: number } = {},
  ): Attack =>
  async (target, result) => {
    const pace = paceOf(target, call, perSecond);
    const one = async () => {
      while (!target.signal.aborted) {
        await requestRepeatedly(target, call, pace, result);
        await sleep(RETRY_MS);
      }
    };
    await Promise.all(Array.from({ length: connections }, one));
  };

/** On one connection. */
async function requestRepeatedly(target: Target, call: Call, pace: Pace, result: AttackResult): Promise<void> {
  const { port, address, signal } = target;
  const socket = connect({ port, host: "127.0.0.1", localAddress: address }).setMaxListeners(0);
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await Promise.race([once(socket, "connect").catch(() => {}), closed]);
  result.connections += 1;
  const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  while (!signal.aborted && !socket.destroyed) {
    const bytes = http1Request(target, call);
    await pace(bytes.length);
    const answered = new Promise<string>((resolve) =>
      socket.once("data", (data: Buffer) => resolve(data.toString("latin1", 0, 12))),
    );
    socket.write(bytes);
    const status = signal.aborted ? "" : await Promise.race([answered, closed, aborted, sleep(RESPONSE_MS)]);
    result.sent += 1;
    result.bytes += bytes.length;
    count(result.statuses, typeof status === "string" ? status : "none");
  }
  count(result.ends, socket.destroyed ? "closed" : "open");
  socket.destroy();
}

function http1Request(target: Target, call: Call): Buffer {
  const { method = "POST", path, body } = call;
  const length = body === undefined ? {} : { "content-length": String(body.length) };
  const lines = Object.entries({ host: "localhost", ...headersOf(target, call), ...length }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const head = Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
  return body === undefined ? head : Buffer.concat([head, body]);
}

const GRPC_GZIP = { "grpc-encoding": "gzip" };
const CONNECT_GZIP = { "content-encoding": "gzip" };

/** In the framing of the transport, compressed. */
const bomb =
  (path: string, message: Uint8Array) =>
  ({ type }: Target): Call => {
    const zipped = zip(message);
    return type.startsWith("application/grpc")
      ? { path, headers: GRPC_GZIP, body: prefixed(zipped, true) }
      : { path, headers: CONNECT_GZIP, body: zipped };
  };

/** As many bytes as the contract never needs. */
const large =
  (path: string, message: Buffer) =>
  ({ type }: Target): Call => ({
    path,
    body: type.startsWith("application/grpc") ? prefixed(message) : message,
  });

const small = ({ type }: Target): Call => ({
  path: GET,
  body: type.startsWith("application/grpc") ? prefixed(Buffer.of(8, 1)) : Buffer.from('{"orderId":"1"}'),
});

/** Looks like a token; each is another one. */
function forgedToken(): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  forged += 1;
  const claims = { sub: "operator", roles: ["operator"], exp: 9_999_999_999, jti: forged };
  return `Bearer ${encode({ alg: "ES256", kid: "k1" })}.${encode(claims)}.${Buffer.alloc(64, forged).toString("base64url")}`;
}
let forged = 0;

const xml = { "content-type": "text/xml; charset=utf-8" };
const few = { perSecond: PER_SECOND_WITH_RIGHTS, streams: 4, sessions: 1 };

/** Attacks by requests. */
export const CALL_ATTACKS = {
  "small requests": overSessions(small),
  "small requests over HTTP/1.1": overHttp1({ path: GET, body: Buffer.from('{"orderId":"1"}') }),
  "forged tokens": overSessions((target) => ({ ...small(target), authorization: forgedToken })),
  "forged tokens over HTTP/1.1": overHttp1({
    path: GET,
    body: Buffer.from('{"orderId":"1"}'),
    authorization: forgedToken,
  }),
  "requests of 4 MiB": overSessions(large(BATCH_UPDATE, MESSAGES.updates), { streams: 8 }),
  "requests of 4 MiB over HTTP/1.1": overHttp1({ path: BATCH_GET, body: JSON_IDS }, { connections: 16 }),
  "compressed: 4 KB that unpack to 4 MiB": overSessions(bomb(GET, MESSAGES.unknownField), {
    sessions: 1,
    streams: 400,
  }),
  "compressed: 2 million empty updates": overSessions(bomb(BATCH_UPDATE, MESSAGES.updates)),
  "compressed: 4 million ids": overSessions(bomb(BATCH_GET, MESSAGES.ids)),
  "compressed, over HTTP/1.1": overHttp1({ path: BATCH_GET, headers: CONNECT_GZIP, body: zip(JSON_IDS) }),
  "compressed, in a URL": overHttp1({ method: "GET", path: GET_WITH_GZIP }),
  "long URLs": overHttp1({ method: "GET", path: LONG_URL }),
  "reflection requests": overSessions({ path: REFLECTION, body: prefixed(REFLECTION_REQUEST) }),
  "many reflection requests in a call": overSessions({
    path: REFLECTION,
    body: Buffer.concat(Array.from({ length: 200 }, () => prefixed(REFLECTION_REQUEST))),
  }),
  "health checks": overSessions({ path: HEALTH_CHECK, body: prefixed(Buffer.alloc(0)) }),
  "health watches that are not read": unread({ path: HEALTH_WATCH, body: prefixed(Buffer.alloc(0)) }, 2_000),
  "health checks over HTTP/1.1": overHttp1({ method: "GET", path: "/readyz" }),
  "scrapes of /metrics": overHttp1({ method: "GET", path: "/metrics" }),
  "requests for the WSDL": overHttp1({ method: "GET", path: `${SOAP}?wsdl` }),
  "requests of pages that do not exist": overHttp1({
    method: "GET",
    path: "/oms.orderstatus.v1.OrderStatusService/GetOrderStatu",
  }),
  "preflight requests": overHttp1({
    method: "OPTIONS",
    path: GET,
    headers: { origin: "https://shop.example.com", "access-control-request-method": "POST" },
  }),
  "legacy calls with large forms": overHttp1(
    { path: LEGACY_GET, headers: { "content-type": "application/x-www-form-urlencoded" }, body: FORM },
    { connections: 16 },
  ),
  "envelopes with large texts": overHttp1({ path: SOAP, headers: xml, body: ENVELOPES.text }, { connections: 16 }),
  "envelopes with entities": overHttp1({ path: SOAP, headers: xml, body: ENVELOPES.entities }),
  "envelopes with deep elements": overHttp1({ path: SOAP, headers: xml, body: ENVELOPES.nested }, { connections: 16 }),
  // With credentials: what a caller may send, at a moderate rate.
  "a few: 4 million ids": overSessions(bomb(BATCH_GET, MESSAGES.ids), few),
  "a few: 2 million order lines": overSessions(bomb(SUBMIT, MESSAGES.lines), few),
  "a few: 20,000 different lines": overSessions(bomb(RECORD_SHIPPED, MESSAGES.distinctLines), few),
  "a few: requests of 4 MiB": overSessions(large(BATCH_UPDATE, MESSAGES.updates), few),
  "a few: envelopes with many elements": overHttp1({ path: SOAP, headers: xml, body: ENVELOPES.elements }, few),
  "a few: envelopes with many attributes": overHttp1({ path: SOAP, headers: xml, body: ENVELOPES.attributes }, few),
  "a few: envelopes with many namespaces": overHttp1({ path: SOAP, headers: xml, body: ENVELOPES.namespaces }, few),
  "a few: envelopes with large texts": overHttp1({ path: SOAP, headers: xml, body: ENVELOPES.text }, few),
  "a few: envelopes with deep elements": overHttp1({ path: SOAP, headers: xml, body: ENVELOPES.nested }, few),
  "a few: large forms": overHttp1(
    { path: LEGACY_GET, headers: { "content-type": "application/x-www-form-urlencoded" }, body: FORM },
    few,
  ),
  "watches that are not read": unread({ path: WATCH, body: prefixed(MESSAGES.watch) }, UNREAD_WATCHES),
} satisfies Record<string, Attack>;
