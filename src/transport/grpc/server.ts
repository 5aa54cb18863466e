import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type Message, toBinary } from "@bufbuild/protobuf";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { type ClientAddress, createClientAddress } from "../connections/client-address.ts";
import { type ConnectionLimit, createListener, type Listener } from "../connections/listener.ts";
import { normalizeAddress, plaintextPeer } from "../connections/peer.ts";
import type { PortTls } from "../connections/tls.ts";
import { createGuard, type Guard } from "../guard/index.ts";
import { HTTP2_OPTIONS, KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, MAX_CONNECTIONS, MAX_MESSAGE_BYTES } from "../limits.ts";
import type { LoadShedding } from "../middleware/admission.ts";
import type { Route } from "../middleware/pipeline.ts";
import type { AddressLimits } from "../rate-limits/index.ts";
import { createRequestDecoder, type RequestDecoder } from "../wire/decode.ts";
import type { BuiltInService } from "../wire/reflection.ts";
import { pathOfMethod } from "../wire/unknown-rpc.ts";
import { limitAddresses } from "./address-limit.ts";
import { admitCalls, type RejectedCall } from "./admission.ts";
import { addBuiltInServices } from "./built-in-services.ts";
import { type AdmittedCalls, rejectionOf, streamHandler, toCall, unaryHandler } from "./handlers.ts";
import { configureHttp2Server, type StreamListener } from "./http2-server.ts";
import { normalizeHeaders, type OnUnknownRpc } from "./normalize-headers.ts";
import { createPeerRegistry } from "./peer-registry.ts";

/** A gRPC server with its services, reflection and health. */
export interface GrpcServer extends Listener {
  /** Reports NOT_SERVING; calls are served until `stopAccepting`, which sends GOAWAY. */
  startDraining(): void;
}

const OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.keepalive_time_ms": KEEPALIVE_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  // Costs time in every call.
  "grpc.enable_channelz": 0,
} as const;

// grpc-js would write each header that is not text to the standard error, value included.
setLogVerbosity(logVerbosity.NONE);

export interface GrpcServerDeps {
  readonly routes: readonly Route[];
  /** Default: rejects unknown JSON fields. */
  readonly decode?: RequestDecoder;
  readonly reflection: readonly BuiltInService[];
  readonly loadShedding: LoadShedding;
  /** Called for a rejected call that no access log contains. */
  readonly onRejected?: (rejected: RejectedCall) => void;
  /** The address in it; default: the address of the connection. */
  readonly clientAddress?: ClientAddress | undefined;
  /** Whether the server is ready, for grpc.health.v1. Default: always. */
  readonly isReady?: () => Promise<boolean>;
  /** Undefined: plaintext. */
  readonly tls?: PortTls | undefined;
  /** Limits the addresses of unauthenticated calls; undefined: no limit. */
  readonly addressLimits?: AddressLimits | undefined;
  /** Default: its own. */
  readonly guard?: Guard;
  /** Default: MAX_CONNECTIONS. */
  readonly connectionLimit?: ConnectionLimit;
}

export function createGrpcServer({
  routes,
  decode = createRequestDecoder("reject"),
  reflection,
  loadShedding,
  onRejected = () => {},
  clientAddress = createClientAddress([]),
  isReady = async () => true,
  tls,
  addressLimits,
  guard = createGuard(),
  connectionLimit = { max: MAX_CONNECTIONS, onRejected() {} },
}: GrpcServerDeps): GrpcServer {
  const peers = createPeerRegistry();
  const admitted: AdmittedCalls = new WeakMap();
  const server = new Server({
    ...OPTIONS,
    interceptors: [
      admitCalls({
        routes: new Map(routes.map((route) => [pathOfMethod(route.rpc.method), route])),
        loadShedding,
        onRejected,
        addressOf: (incoming, metadata) =>
          clientAddress(peers.get(incoming.getPeer()), metadata?.get("x-forwarded-for")[0]?.toString()),
        toCall: (incoming, metadata, session) => toCall(incoming, metadata, session, peers),
        rejectionOf,
        admitted,
      }),
    ],
  });
  const authenticated = new Set(routes.map(({ rpc }) => pathOfMethod(rpc.method)));
  const paths = new Set(authenticated);
  const onUnknownRpc: OnUnknownRpc = (path, { session }, headers) =>
    onRejected({
      reason: "unknown RPC",
      rpc: path,
      address: () =>
        clientAddress(
          plaintextPeer(normalizeAddress(session?.socket?.remoteAddress ?? "")),
          headers["x-forwarded-for"]?.toString(),
        ),
    });
  const normalize = normalizeHeaders(paths, onUnknownRpc);
  const rejectsAddress = addressLimits && limitAddresses({ limits: addressLimits, clientAddress, authenticated });
  const onStream: StreamListener = (stream, headers) => {
    if (rejectsAddress?.(stream, headers) !== true) {
      normalize(stream, headers);
    }
  };
  configureHttp2Server(server, HTTP2_OPTIONS, onStream, guard.http2);
  const services = Map.groupBy(routes, ({ rpc }) => rpc.method.parent.typeName);
  for (const serviceRoutes of services.values()) {
    server.addService(definitionOf(serviceRoutes), implementationOf(serviceRoutes, decode, admitted));
  }
  const builtInServices = addBuiltInServices(server, [...services.keys()], reflection, isReady);
  for (const path of builtInServices.paths) {
    paths.add(path);
  }
  // With a port of its own, grpc-js would close remaining connections only if channelz is on.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const onConnection = (socket: Socket) => {
    peers.add(socket);
    injector.injectConnection(socket);
  };
  const listener = createListener(
    tls === undefined
      ? createServer(onConnection)
      : tls.createServer((options) => createTlsServer({ ...options, ALPNProtocols: ["h2"] }, onConnection)),
    connectionLimit,
  );
  return {
    listen: listener.listen,
    startDraining: builtInServices.startDraining,
    stopAccepting() {
      builtInServices.shutDown();
      listener.stopAccepting();
      server.tryShutdown(() => {});
    },
    closed: listener.closed,
    destroy() {
      server.forceShutdown();
      listener.destroy();
    },
  };
}

function definitionOf(routes: readonly Route[]): ServiceDefinition {
  return Object.fromEntries(
    routes.map(({ rpc: { method, streaming } }) => [
      method.name,
      {
        path: pathOfMethod(method),
        requestStream: false,
        responseStream: streaming,
        requestSerialize: asBuffer,
        // Decoded by the handler: grpc-js would answer INTERNAL to malformed bytes.
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: streaming ? encodeOnce(method) : (message: Response) => encode(method, message),
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    ]),
  );
}

function implementationOf(
  routes: readonly Route[],
  decode: RequestDecoder,
  admitted: AdmittedCalls,
): Record<string, UntypedHandleCall> {
  return Object.fromEntries(
    routes.map((route) => [
      route.rpc.method.name,
      route.rpc.streaming ? streamHandler(route, decode, admitted) : unaryHandler(route, decode, admitted),
    ]),
  );
}

type Method = Route["rpc"]["method"];

/** A message, or one in JSON, which is encoded already. */
type Response = Message | Buffer;

function encode(method: Method, message: Response): Buffer {
  return Buffer.isBuffer(message) ? message : asBuffer(toBinary(method.output, message));
}

/** Encodes a streamed message once for all its subscribers. */
function encodeOnce(method: Method): (message: Response) => Buffer {
  const encoded = new WeakMap<Response, Buffer>();
  return (message) => {
    let bytes = encoded.get(message);
    if (bytes === undefined) {
      bytes = encode(method, message);
      encoded.set(message, bytes);
    }
    return bytes;
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
