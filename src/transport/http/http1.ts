import { type IncomingMessage, type Server, type ServerOptions, ServerResponse } from "node:http";
import {
  HEADERS_TIMEOUT_MS,
  HTTP1_CHECK_INTERVAL_MS,
  HTTP1_IDLE_MS,
  HTTP1_LAST_REQUEST_MS,
  MAX_DISCARDED_BYTES,
  REQUEST_TIMEOUT_MS,
} from "../limits.ts";
import { normalizeTarget } from "./request-target.ts";

/** The HTTP/1.1 side of a port. */
export interface Http1<S extends Server> {
  readonly server: S;
  /** From now on, each response ends its connection ("connection: close"). */
  startDraining(): void;
  /** Closes the connections without a request. */
  closeIdle(): void;
}

type OnRequest = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Serves HTTP/1.1 with its limits.
 *
 * @param create creates the server, plaintext or TLS
 */
export function createHttp1<S extends Server>(
  create: (options: ServerOptions, onRequest: OnRequest) => S,
  onRequest: OnRequest,
): Http1<S> {
  let draining = false;

  class Http1Response extends ServerResponse {
    override writeHead(...head: unknown[]): this {
      if (draining) {
        this.shouldKeepAlive = false;
      }
      return super.writeHead(...(head as [number]));
    }

    override end(...rest: unknown[]): this {
      if (!this.req.complete) {
        discardRest(this.req);
      }
      return super.end(...(rest as [unknown]));
    }
  }

  const server = create(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: HTTP1_IDLE_MS,
      connectionsCheckingInterval: HTTP1_CHECK_INTERVAL_MS,
      ServerResponse: Http1Response as typeof ServerResponse,
    },
    (request, response) => {
      normalizeTarget(request);
      onRequest(request, response);
    },
  );
  return {
    server,
    startDraining() {
      draining = true;
      // For responses whose headers have been sent already.
      server.keepAliveTimeout = HTTP1_LAST_REQUEST_MS;
    },
    closeIdle: () => server.closeIdleConnections(),
  };
}

/**
 * Reads the rest of a request that is answered before its end, for example because it is too large:
 * the next request on the connection comes after it. A client that sends much more is disconnected.
 */
function discardRest(request: IncomingMessage): void {
  const { socket } = request;
  let bytes = 0;
  // Of an iterator, which would keep the request from flowing.
  request.removeAllListeners("readable");
  request.on("data", ({ length }: Buffer) => {
    bytes += length;
    if (bytes > MAX_DISCARDED_BYTES) {
      socket.destroy();
    }
  });
  // Counts as reading: Node discards the rest of an unread request without a limit.
  request.read(0);
  setImmediate(() => request.resume());
}
