import { brotliCompressSync, constants, deflateSync, gzipSync } from "node:zlib";
import { type DescMethod, toBinary } from "@bufbuild/protobuf";
import type { Random } from "../../tools/testkit/random.ts";
import { anyJson } from "../values/json.ts";
import { anyMessage } from "../values/message.ts";
import type { Fixture } from "../values/scalars.ts";
import { anyWire, mutate } from "../values/wire.ts";
import { type CaseBuilder, type FuzzCase, pathOf } from "./case.ts";
import { frame, malformedFrames } from "./frames.ts";
import { UNUSUAL_VALUES, unusualCallHeaders, unusualTimeout } from "./headers.ts";

type Headers = Record<string, string | string[]>;
type Format = "JSON" | "proto";

const MUTATIONS = {
  message: 50,
  wire: 20,
  frame: 6,
  timeout: 5,
  header: 5,
  protocol: 5,
  encoding: 4,
  get: 6,
  huge: 0.05,
};

/** A Connect call with a JSON body. */
export const connectJsonCase: CaseBuilder = (random, method, fixture) => connectShot(random, method, fixture, "JSON");

/** A Connect call with a binary body. */
export const connectProtoCase: CaseBuilder = (random, method, fixture) => connectShot(random, method, fixture, "proto");

function connectShot(random: Random, method: DescMethod, fixture: Fixture, format: Format): FuzzCase {
  const mutation = random.weighted(MUTATIONS);
  const streams = method.methodKind !== "unary";
  const type = format === "JSON" ? "json" : "proto";
  const headers: Headers = {
    "content-type": streams ? `application/connect+${type}` : `application/${type}`,
    "connect-protocol-version": "1",
    "oms-caller": "fuzz",
    ...headersFor(random, mutation),
  };
  const message = messageFor(random, mutation, method, fixture, format);
  const framed = streams ? (mutation === "frame" ? malformedFrames(random, message) : frame(message)) : message;
  const body = mutation === "encoding" ? encoded(random, framed, headers) : framed;
  const fuzzCase = {
    transport: `Connect ${format}`,
    rpc: method.name,
    mutation,
    hasDeadline: "connect-timeout-ms" in headers,
  };
  if (mutation === "get") {
    const path = `${pathOf(method)}?${queryFor(random, message, type)}`;
    return {
      ...fuzzCase,
      send: ({ http }) =>
        http.send({ method: "GET", path, headers: { "oms-caller": "fuzz" }, body: Buffer.alloc(0), endless: streams }),
    };
  }
  if (random.chance(0.2)) {
    const all = { ":method": "POST", ":path": pathOf(method), ...headers };
    return {
      ...fuzzCase,
      transport: `${fuzzCase.transport}, HTTP/2`,
      send: ({ http2 }) => http2.send({ headers: all, body, endless: streams }),
    };
  }
  const verb =
    mutation === "protocol" && random.chance(0.2) ? random.pick(["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"]) : "POST";
  return {
    ...fuzzCase,
    send: ({ http }) => http.send({ method: verb, path: pathOf(method), headers, body, endless: streams }),
  };
}

function headersFor(random: Random, mutation: string): Headers {
  switch (mutation) {
    case "timeout":
      return { "connect-timeout-ms": unusualTimeout(random) };
    case "header":
      return unusualCallHeaders(random);
    case "protocol":
      return random.pick<Headers>([
        {
          "content-type": random.pick([
            "application/json; charset=gbk",
            "application/json;charset=utf-8",
            "text/json",
            "application/xml",
            ...UNUSUAL_VALUES,
          ]),
        },
        { "connect-protocol-version": random.pick(UNUSUAL_VALUES) },
        { "accept-encoding": random.pick(["gzip", "br", "br;q=0", ...UNUSUAL_VALUES]) },
        { accept: random.pick(UNUSUAL_VALUES) },
      ]);
    default:
      return {};
  }
}

function messageFor(random: Random, mutation: string, method: DescMethod, fixture: Fixture, format: Format): Buffer {
  const json = () => Buffer.from(anyJson(random, method.input, fixture));
  const proto = () => Buffer.from(toBinary(method.input, anyMessage(random, method.input, fixture)));
  switch (mutation) {
    case "wire":
      return format === "JSON" ? mutate(random, json()) : anyWire(random, method.input, fixture);
    case "huge":
      return format === "JSON"
        ? Buffer.from(`{"orderIds":[${'"1",'.repeat(random.pick([50_000, 1_200_000]))}"1"]}`)
        : Buffer.alloc(random.pick([1_000_000, 4 * 1024 * 1024 + 1]), 8);
    default:
      return format === "JSON" ? json() : proto();
  }
}

/** Compressed bodies that expand within the size limit and beyond it. */
const BOMBS: readonly [Buffer, Buffer] = [
  gzipSync(Buffer.alloc(100_000, 32)),
  gzipSync(Buffer.alloc(8 * 1024 * 1024, 32)),
];

const FAST_BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };

function encoded(random: Random, body: Buffer, headers: Headers): Buffer {
  const [name, encode] = random.pick<readonly [string, () => Buffer]>([
    ["gzip", () => gzipSync(body)],
    ["gzip", () => mutate(random, gzipSync(body))],
    ["gzip", () => body],
    ["gzip", () => random.pick(BOMBS)],
    ["br", () => brotliCompressSync(body, FAST_BROTLI)],
    ["br", () => mutate(random, brotliCompressSync(body, FAST_BROTLI))],
    ["deflate", () => deflateSync(body)],
    ["identity", () => body],
    [random.pick(UNUSUAL_VALUES), () => body],
  ]);
  headers[random.chance(0.8) ? "content-encoding" : "connect-content-encoding"] = name;
  return encode();
}

function queryFor(random: Random, message: Buffer, type: string): string {
  const base64 = random.chance(0.4) || type === "proto";
  const query = new URLSearchParams({
    connect: random.pick(["v1", "v1", "v1", "v2", ""]),
    encoding: random.pick([type, type, type, "xml", ""]),
    message: message.toString(base64 ? random.pick(["base64url", "base64"]) : "utf8").slice(0, 8_000),
  });
  if (base64) {
    query.set("base64", random.pick(["1", "1", "1", "2", ""]));
  }
  if (random.chance(0.1)) {
    query.set("compression", random.pick(["gzip", "br", "identity", "x"]));
  }
  if (random.chance(0.1)) {
    query.append("message", "{}");
  }
  return query.toString();
}
