import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream, ServerOptions } from "node:http2";
import type { Server, ServerCredentials } from "@grpc/grpc-js";

/** What grpc-js keeps to itself: it makes its HTTP/2 server alone, and lets nobody say how. */
interface Inside {
  readonly commonServerOptions: ServerOptions;
  createHttp2Server(credentials: ServerCredentials): Http2Server;
}

/** Hears of each call before grpc-js does, and may change its headers. */
export type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * Makes the HTTP/2 server inside of a gRPC server one with these options.
 *
 * @param onServer hears of it
 * @throws Error when grpc-js is no longer made as this must know
 */
export function configureHttp2Server(
  server: Server,
  options: ServerOptions,
  onStream: StreamListener,
  onServer: (http2: Http2Server) => void,
): void {
  const inside = server as unknown as Partial<Inside>;
  const { commonServerOptions, createHttp2Server } = inside;
  if (commonServerOptions === undefined || createHttp2Server === undefined) {
    throw new Error("this grpc-js makes its HTTP/2 server in another way: see src/transport/grpc/http2-server.ts");
  }
  const { settings } = commonServerOptions;
  Object.assign(commonServerOptions, options, { settings: { ...settings, ...options.settings } });
  inside.createHttp2Server = (credentials) => {
    const http2 = createHttp2Server.call(server, credentials);
    http2.prependListener("stream", onStream);
    onServer(http2);
    return http2;
  };
}
