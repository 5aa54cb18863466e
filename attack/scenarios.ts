import type { AttackName } from "./attacks/index.ts";
import type { Credentials } from "./environment.ts";

/** An attack on a port, with or without credentials. */
export interface Scenario {
  readonly attack: AttackName;
  readonly port: "gRPC" | "HTTP";
  readonly credentials: Credentials;
  /** Content type of its requests. */
  readonly type: string;
}

const GRPC = { port: "gRPC", type: "application/grpc" } as const;
const HTTP = { port: "HTTP", type: "application/json" } as const;
const CONNECT_STREAM = { port: "HTTP", type: "application/connect+proto" } as const;
const BINARY = { port: "HTTP", type: "application/proto" } as const;

const ON_BOTH_PORTS: readonly AttackName[] = [
  "streams opened and reset at once",
  "more streams than allowed",
  "a flood of pings",
  "a flood of pings without reading the answers",
  "a flood of settings",
  "a flood of empty data",
  "a byte per DATA frame",
  "endless headers",
  "too many headers",
  "headers that are too large",
  "large responses that are not read",
  "a request that never completes",
  "too many connections",
  "small requests",
  "forged tokens",
];

const OVER_HTTP: readonly AttackName[] = [
  "incomplete prefaces",
  "trickling headers",
  "a trickling body",
  "an endless body",
  "a byte per chunk",
  "pipelined requests",
  "pipelined requests without reading the responses",
  "small requests over HTTP/1.1",
  "forged tokens over HTTP/1.1",
  "requests of 4 MiB over HTTP/1.1",
  "compressed, over HTTP/1.1",
  "compressed, in a URL",
  "long URLs",
  "health checks over HTTP/1.1",
  "scrapes of /metrics",
  "requests for the WSDL",
  "requests of pages that do not exist",
  "preflight requests",
  "legacy calls with large forms",
  "envelopes with large texts",
  "envelopes with entities",
  "envelopes with deep elements",
];

const COMPRESSED: readonly AttackName[] = [
  "compressed: 4 KB that unpack to 4 MiB",
  "compressed: 2 million empty updates",
  "compressed: 4 million ids",
];

const BY_LEGACY_CALLERS: readonly AttackName[] = [
  "a few: envelopes with many elements",
  "a few: envelopes with many attributes",
  "a few: envelopes with many namespaces",
  "a few: envelopes with large texts",
  "a few: envelopes with deep elements",
  "a few: large forms",
];

const none = { credentials: "none" } as const;

/** All attacks, those without credentials first. */
export const SCENARIOS: readonly Scenario[] = [
  ...ON_BOTH_PORTS.flatMap((attack) => [
    { attack, ...GRPC, ...none },
    { attack, ...HTTP, ...none },
  ]),
  ...OVER_HTTP.map((attack) => ({ attack, ...HTTP, ...none })),
  ...COMPRESSED.map((attack) => ({ attack, ...GRPC, ...none })),
  { attack: "requests of 4 MiB", ...GRPC, ...none },
  { attack: "requests of 4 MiB", ...BINARY, ...none },
  { attack: "reflection requests", ...GRPC, ...none },
  { attack: "reflection requests", ...CONNECT_STREAM, ...none },
  { attack: "many reflection requests in a call", ...GRPC, ...none },
  { attack: "health checks", ...GRPC, ...none },
  { attack: "health watches that are not read", ...GRPC, ...none },
  { attack: "small requests", ...GRPC, credentials: "no rights" },
  { attack: "compressed: 2 million empty updates", ...GRPC, credentials: "no rights" },
  { attack: "requests of 4 MiB over HTTP/1.1", ...HTTP, credentials: "no rights" },
  { attack: "scrapes of /metrics", ...HTTP, credentials: "no rights" },
  { attack: "small requests over HTTP/1.1", ...HTTP, credentials: "no rights" },
  { attack: "a few: 4 million ids", ...GRPC, credentials: "read-only" },
  { attack: "a few: 4 million ids", ...BINARY, credentials: "read-only" },
  { attack: "a few: 2 million order lines", ...GRPC, credentials: "shop" },
  { attack: "a few: 20,000 different lines", ...GRPC, credentials: "wms" },
  { attack: "a few: requests of 4 MiB", ...GRPC, credentials: "wms" },
  { attack: "watches that are not read", ...GRPC, credentials: "read-only" },
  ...BY_LEGACY_CALLERS.map((attack) => ({ attack, ...HTTP, credentials: "legacy" as const })),
];
