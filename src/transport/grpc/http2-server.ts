import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream, ServerOptions } from "node:http2";
import type { Server, ServerCredentials } from "@grpc/grpc-js";

/** Private members of a grpc-js server, which has no option for its HTTP/2 server. */
interface ServerInternals {
  readonly commonServerOptions: ServerOptions;
  createHttp2Server(credentials: ServerCredentials): Http2Server;
}

/** Called for each stream before grpc-js handles it; may change its headers. */
export type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * Applies options and listeners to the HTTP/2 server inside a gRPC server.
 *
 * @param onServer called with the HTTP/2 server once it exists
 * @throws Error when the internals of grpc-js have changed
 */
export function configureHttp2Server(
  server: Server,
  options: ServerOptions,
  onStream: StreamListener,
  onServer: (http2: Http2Server) => void,
): void {
  const internals = server as unknown as Partial<ServerInternals>;
  const { commonServerOptions, createHttp2Server } = internals;
  if (commonServerOptions === undefined || createHttp2Server === undefined) {
    throw new Error("unsupported version of grpc-js: adapt src/transport/grpc/http2-server.ts to its internals");
  }
  const { settings } = commonServerOptions;
  Object.assign(commonServerOptions, options, { settings: { ...settings, ...options.settings } });
  internals.createHttp2Server = (credentials) => {
    const http2 = createHttp2Server.call(server, credentials);
    http2.prependListener("stream", onStream);
    onServer(http2);
    return http2;
  };
}
