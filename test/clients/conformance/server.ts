import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, fromBinary, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { createLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import type { Listener } from "../../../src/transport/connections/listener.ts";
import { openPortTls, type PortTls } from "../../../src/transport/connections/tls.ts";
import { createGrpcServer } from "../../../src/transport/grpc/server.ts";
import { createHttpServer } from "../../../src/transport/http/server.ts";
import { MAX_MESSAGE_BYTES } from "../../../src/transport/limits.ts";
import { trackInFlight } from "../../../src/transport/middleware/in-flight.ts";
import { pipeline, type Route } from "../../../src/transport/middleware/pipeline.ts";
import { createRequestDecoder, type RequestDecoder } from "../../../src/transport/wire/decode.ts";
import { RESPONSE_JSON_OPTIONS } from "../../../src/transport/wire/json-responses.ts";
import { readSchemas, type Schemas, type ServerRequest } from "./messages.ts";
import { createConformanceRoutes } from "./service.ts";

/** The port of the project that serves the suite's service. */
export type Port = "grpc" | "http";

const HOST = "127.0.0.1";

/** Longer than any delay of the suite, in milliseconds. */
const DEADLINE_CAP_MS = 60_000;

/** Servers under test. */
export interface ConformanceServers {
  /** The port for relay.ts. */
  readonly port: number;
  close(): void;
}

/**
 * Starts a server for each connection of a relay: the relay sends a ServerCompatRequest, receives a
 * ServerCompatResponse, and disconnects at the end.
 *
 * @param image the compiled files of the suite
 */
export async function serveConformance(port: Port, image: string): Promise<ConformanceServers> {
  const schemas = readSchemas(image);
  // Responses echo the request in a google.protobuf.Any; those of the contract have error details.
  Object.assign(RESPONSE_JSON_OPTIONS, { registry: schemas.registry });
  const relays = createServer((relay) => void serveRelay(relay, port, schemas).catch((error) => relay.destroy(error)));
  relays.listen(0, HOST);
  await once(relays, "listening");
  return { port: (relays.address() as AddressInfo).port, close: () => relays.close() };
}

async function serveRelay(relay: Socket, port: Port, schemas: Schemas): Promise<void> {
  const request = await readRequest(relay, schemas);
  const folder = mkdtempSync(join(tmpdir(), "oms-conformance-"));
  const tls = openTls(request, folder);
  const server = createUnderTest(port, schemas, request.messageReceiveLimit || MAX_MESSAGE_BYTES, tls);
  relay.once("close", () => {
    server.destroy();
    tls?.close();
    rmSync(folder, { recursive: true });
  });
  const schema = schemas.message("ServerCompatResponse");
  const response = create(schema, {
    host: HOST,
    port: await server.listen(HOST, 0),
    ...(request.serverCreds && { pemCert: request.serverCreds.cert }),
  });
  relay.write(withLength(toBinary(schema, response)));
}

/** Messages follow four bytes with their length. */
function withLength(message: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

function readRequest(relay: Socket, schemas: Schemas): Promise<ServerRequest> {
  const { promise, resolve, reject } = Promise.withResolvers<ServerRequest>();
  let bytes = Buffer.alloc(0);
  relay.on("error", reject);
  relay.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
      const schema = schemas.message("ServerCompatRequest");
      resolve(fromBinary(schema, bytes.subarray(4)) as unknown as ServerRequest);
    }
  });
  return promise;
}

function createUnderTest(port: Port, schemas: Schemas, maxRequestBytes: number, tls: PortTls | undefined): Listener {
  const log = createLogger("silent");
  const metrics = createMetrics();
  const routes = createRoutes(schemas, maxRequestBytes);
  const decode = createDecoder(schemas);
  if (port === "grpc") {
    return createGrpcServer({ routes, decode, reflection: [], loadShedding: UNLIMITED, tls });
  }
  const ready = async () => ({ ready: true, draining: false, database: "ok", broker: "ok", redis: "ok" });
  return createHttpServer({ routes, decode, reflection: [], corsOrigins: [], ready, log, metrics, tls });
}

const UNLIMITED = { hasCapacity: () => true, onRejected() {} };

function createRoutes(schemas: Schemas, maxRequestBytes: number): readonly Route[] {
  return createConformanceRoutes(
    schemas,
    pipeline({
      log: createLogger("silent"),
      metrics: createMetrics(),
      requestLog: { write() {} },
      slowMs: Number.POSITIVE_INFINITY,
      inFlight: trackInFlight(),
      loadShedding: UNLIMITED,
      tracer: undefined,
      auth: undefined,
      limits: undefined,
      deadlineCapMs: DEADLINE_CAP_MS,
    }),
    maxRequestBytes,
  );
}

/** The suite's requests have fields of type google.protobuf.Any; the contract's have none. */
function createDecoder({ registry }: Schemas): RequestDecoder {
  const decode = createRequestDecoder("reject");
  return (method, bytes, codec, caller) => {
    const text = codec === "json" ? Buffer.from(bytes).toString() : "";
    return text.includes('"@type"')
      ? { request: fromJson(method.input, JSON.parse(text) as JsonValue, { registry }), malformed: undefined }
      : decode(method, bytes, codec, caller);
  };
}

/** @param folder for the files with certificates and keys */
function openTls({ useTls, serverCreds, clientTlsCert }: ServerRequest, folder: string): PortTls | undefined {
  if (!useTls || serverCreds === undefined) {
    return undefined;
  }
  const write = (name: string, bytes: Uint8Array) => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };
  const requireClientCertificate = clientTlsCert.length > 0;
  return openPortTls(
    {
      certFile: write("cert.pem", serverCreds.cert),
      keyFile: write("key.pem", serverCreds.key),
      clientCaFile: requireClientCertificate ? write("client.pem", clientTlsCert) : undefined,
      requireClientCertificate,
    },
    createLogger("silent"),
  );
}
