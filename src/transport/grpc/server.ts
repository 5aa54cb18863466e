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
import { type ConnectionLimit, createListener, type Listener } from "../connections/listener.ts";
import type { PortTls } from "../connections/tls.ts";
import { createGuard, type Guard } from "../guard/index.ts";
import { HTTP2_OPTIONS, KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, MAX_CONNECTIONS, MAX_MESSAGE_BYTES } from "../limits.ts";
import type { Route } from "../middleware/pipeline.ts";
import type { BuiltInService } from "../wire/reflection.ts";
import { addBuiltInServices } from "./built-in-services.ts";
import { streamHandler, unaryHandler } from "./handlers.ts";
import { configureHttp2Server } from "./http2-server.ts";
import type { LoadShedding } from "./load-shedding.ts";
import { normalizeHeaders } from "./normalize-headers.ts";
import { createPeerRegistry, type PeerRegistry } from "./peer-registry.ts";

/** A gRPC server: services, reflection and health. At its end it says NOT_SERVING, and tells clients to go elsewhere. */
export type GrpcServer = Listener;

const OPTIONS = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.keepalive_time_ms": KEEPALIVE_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  // Its bookkeeping takes time from every call.
  "grpc.enable_channelz": 0,
} as const;

// It would write a line to the standard error for each header that is no text, the header's value in it.
setLogVerbosity(logVerbosity.NONE);

export interface GrpcServerDeps {
  readonly routes: readonly Route[];
  readonly reflection: readonly BuiltInService[];
  readonly admission: LoadShedding;
  /** Undefined: the port speaks in the clear. */
  readonly tls?: PortTls | undefined;
  /** One of its own unless told. */
  readonly guard?: Guard;
  /** MAX_CONNECTIONS unless told. */
  readonly connectionLimit?: ConnectionLimit;
}

export function createGrpcServer({
  routes,
  reflection,
  admission,
  tls,
  guard = createGuard(),
  connectionLimit = { max: MAX_CONNECTIONS, isBlocked: guard.isBlocked, onRejected() {} },
}: GrpcServerDeps): GrpcServer {
  const peers = createPeerRegistry();
  const server = new Server(OPTIONS);
  configureHttp2Server(server, HTTP2_OPTIONS, normalizeHeaders, guard.http2);
  const services = Map.groupBy(routes, ({ rpc }) => rpc.method.parent.typeName);
  for (const ofService of services.values()) {
    server.addService(definitionOf(ofService), implementationOf(ofService, admission, peers));
  }
  const companions = addBuiltInServices(server, [...services.keys()], reflection);
  // The port is our own: grpc-js cuts what is left of its connections only where it keeps channelz's books.
  const connections = server.createConnectionInjector(ServerCredentials.createInsecure());
  const take = (socket: Socket) => {
    peers.add(socket);
    connections.injectConnection(socket);
  };
  const listener = createListener(
    tls === undefined
      ? createServer(take)
      : tls.createServer((options) => createTlsServer({ ...options, ALPNProtocols: ["h2"] }, take)),
    connectionLimit,
  );
  return {
    listen: listener.listen,
    stopAccepting() {
      companions.shutDown();
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
    routes.map(({ rpc: { method, streams } }) => [
      method.name,
      {
        path: `/${method.parent.typeName}/${method.name}`,
        requestStream: false,
        responseStream: streams,
        requestSerialize: asBuffer,
        // Decoded by the handler: to bytes that are no message grpc-js itself would answer INTERNAL.
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: streams ? encodeOnce(method) : (message: Message) => encode(method, message),
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    ]),
  );
}

function implementationOf(
  routes: readonly Route[],
  admission: LoadShedding,
  peers: PeerRegistry,
): Record<string, UntypedHandleCall> {
  return Object.fromEntries(
    routes.map((route) => [
      route.rpc.method.name,
      route.rpc.streams ? streamHandler(route, peers) : unaryHandler(route, admission, peers),
    ]),
  );
}

type Method = Route["rpc"]["method"];

function encode(method: Method, message: Message): Buffer {
  return asBuffer(toBinary(method.output, message));
}

/** A streamed message may go to many clients. */
function encodeOnce(method: Method): (message: Message) => Buffer {
  const encoded = new WeakMap<Message, Buffer>();
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
