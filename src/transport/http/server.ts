import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  createServer as createHttp2,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer as createHttps, type Server as HttpsServer } from "node:https";
import type { Logger } from "../../observability/log.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import type { Auth } from "../auth/index.ts";
import { type ClientAddress, createClientAddress } from "../connections/client-address.ts";
import { createListener, type Listener, rejectedConnections } from "../connections/listener.ts";
import type { PortTls } from "../connections/tls.ts";
import { createGuard, type Guard } from "../guard/index.ts";
import {
  HTTP1_LAST_REQUEST_MS,
  HTTP2_OPTIONS,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MAX_CONNECTIONS,
} from "../limits.ts";
import type { Route } from "../middleware/pipeline.ts";
import type { AddressLimits } from "../rate-limits/index.ts";
import { createRequestDecoder, type RequestDecoder } from "../wire/decode.ts";
import type { BuiltInService } from "../wire/reflection.ts";
import { type AddressCheck, createAddressCheck } from "./address-limit.ts";
import { createConnectHandlers, type HttpHandler } from "./connect.ts";
import { createCors } from "./cors.ts";
import { createCrossSiteCheck } from "./cross-site.ts";
import { isGrpcRequest, rejectGrpc } from "./grpc-rejection.ts";
import { ALPN_PROTOCOLS, muxByAlpn, muxByPreface } from "./http-version-mux.ts";
import { createHttp1, type Http1 } from "./http1.ts";
import { oneAtATime } from "./one-at-a-time.ts";
import { createPages, HEALTH_PATHS, type Readiness, sendJson } from "./pages.ts";
import { addReflection } from "./reflection.ts";
import { createRejectionLog } from "./rejections.ts";
import { setSecurityHeaders } from "./security-headers.ts";

/** Connect, gRPC-Web, legacy endpoints, and pages for monitoring. */
export interface HttpServer extends Listener {
  /**
   * Ends each HTTP/1.1 connection with its next response: clients and proxies open the next one
   * elsewhere.
   */
  startDraining(): void;
}

/**
 * Finds the handler of a path.
 *
 * @param addressCheck for what needs no authentication
 */
export type FindHandler = (path: string, addressCheck: AddressCheck) => HttpHandler | undefined;

export interface HttpServerDeps {
  readonly routes: readonly Route[];
  /** Default: rejects unknown JSON fields. */
  readonly decode?: RequestDecoder;
  readonly reflection: readonly BuiltInService[];
  /** Finds the handler of a path that is not an RPC. */
  readonly findExtraHandler?: FindHandler;
  /** Protects /metrics; undefined: open to everyone. */
  readonly auth?: Auth | undefined;
  readonly corsOrigins: readonly string[];
  /** Host names that requests may be for, besides loopback's; undefined, the default: any. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Who may read /metrics, besides this machine; undefined, the default: everyone. */
  readonly metricsAllow?: readonly string[] | undefined;
  readonly ready: () => Promise<Readiness>;
  /** The port of gRPC, for clients that use this one instead; undefined where there is none. */
  readonly grpcPort?: () => number | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The text of /metrics. Default: the metrics of this process. */
  readonly metricsPage?: (() => Promise<string>) | undefined;
  /** Undefined: plaintext. */
  readonly tls?: PortTls | undefined;
  /** Limits the addresses of unauthenticated requests; undefined: no limit. */
  readonly addressLimits?: AddressLimits | undefined;
  /** Default: the address of the connection. */
  readonly clientAddress?: ClientAddress | undefined;
  /** Default: its own. */
  readonly guard?: Guard;
  /** Default: MAX_CONNECTIONS. */
  readonly maxConnections?: number;
}

export function createHttpServer({
  routes,
  decode = createRequestDecoder("reject"),
  reflection,
  findExtraHandler = () => undefined,
  auth,
  corsOrigins,
  allowedHosts,
  metricsAllow,
  ready,
  grpcPort = () => undefined,
  log,
  metrics,
  metricsPage,
  tls,
  addressLimits,
  clientAddress = createClientAddress([]),
  guard = createGuard(clientAddress),
  maxConnections = MAX_CONNECTIONS,
}: HttpServerDeps): HttpServer {
  const addressCheck = createAddressCheck(addressLimits, clientAddress);
  const findRpc = createConnectHandlers(routes, decode, addressCheck, (router) => addReflection(router, reflection));
  const cors = createCors(corsOrigins, addressCheck);
  const rejections = createRejectionLog(log, clientAddress);
  const crossSite = createCrossSiteCheck({ corsOrigins, allowedHosts, rejections });
  const pages = createPages({ ready, metrics, metricsPage, auth, metricsAllow, routes, addressCheck });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response, tls !== undefined);
    const path = pathOf(request);
    if ((!HEALTH_PATHS.has(path) && crossSite.rejectsHost(request, response)) || cors(request, response)) {
      return;
    }
    if (isGrpcRequest(request)) {
      if (!addressCheck.rejects("open", request, response)) {
        rejectGrpc(request, response, grpcPort());
        rejections.write("info", request, "gRPC at the HTTP port", { path: shorten(path, MAX_QUOTED_LENGTH) });
      }
      return;
    }
    const handler = findRpc(path) ?? findExtraHandler(path, addressCheck);
    if (handler === undefined) {
      await pages(request, response);
    } else if (crossSite.rejectsSite(request, response)) {
      return;
    } else {
      await handler(request, response);
    }
    rejections.observe(request, response);
  }

  /** A failing request affects no other. */
  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    serve(request, response).catch((error: unknown) => {
      if (isDisconnected(response)) {
        return;
      }
      log.warn({ path: shorten(pathOf(request), MAX_QUOTED_LENGTH), error: String(error) }, "HTTP request failed");
      if (response.headersSent) {
        response.destroy();
      } else {
        sendJson(response, 400, { code: "invalid_argument", message: "malformed request" });
      }
    });
  }

  const onHttp1Request = oneAtATime((request, response) =>
    guard.http1(request, response, () => onRequest(request, response)),
  );

  function onHttp2Request(request: Http2ServerRequest, response: Http2ServerResponse): void {
    onRequest(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  }

  const http2 = createHttp2(HTTP2_OPTIONS, onHttp2Request);
  // Ignores unknown expectations: Node's own rejection would wait for the whole body.
  http2.on("checkExpectation", onHttp2Request);
  guard.http2(http2);
  const sessions = keepAlive(http2);
  const http1 =
    tls === undefined ? createPlaintextServer(onHttp1Request, http2) : createTlsServer(tls, onHttp1Request, http2);
  const listener = createListener(http1.server, {
    max: maxConnections,
    onRejected: rejectedConnections("http", log, metrics),
  });
  return {
    ...listener,
    startDraining: http1.startDraining,
    stopAccepting() {
      listener.stopAccepting();
      // A client may send a request until it sees the connection closed.
      setTimeout(http1.closeIdle, HTTP1_LAST_REQUEST_MS).unref();
      for (const session of sessions) {
        session.close();
      }
    },
  };
}

type OnRequest = (request: IncomingMessage, response: ServerResponse) => void;

function createPlaintextServer(onRequest: OnRequest, http2: Http2Server): Http1<Server> {
  const http1 = createHttp1(createHttp, onRequest);
  const closeUndecided = muxByPreface(http1.server, http2);
  return {
    ...http1,
    closeIdle() {
      http1.closeIdle();
      closeUndecided();
    },
  };
}

function createTlsServer(tls: PortTls, onRequest: OnRequest, http2: Http2Server): Http1<HttpsServer> {
  return createHttp1(
    (options, listener) =>
      tls.createServer((certificate) => {
        const server = createHttps({ ...certificate, ...options, ALPNProtocols: ALPN_PROTOCOLS }, listener);
        // Here, as it takes the place of the listeners: those of the TLS follow.
        muxByAlpn(server, http2);
        return server;
      }),
    onRequest,
  );
}

/** By the response, as Node destroys a request once it has been read. */
function isDisconnected(response: ServerResponse): boolean {
  const { stream } = response as { readonly stream?: ServerHttp2Stream };
  return response.destroyed || stream?.destroyed === true;
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

/** Pings the sessions of a server, and closes those that do not answer. */
function keepAlive(http2: Http2Server): Set<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  http2.on("session", (session) => {
    sessions.add(session);
    const timer = setInterval(() => {
      const timeout = setTimeout(() => session.destroy(), KEEPALIVE_TIMEOUT_MS).unref();
      session.ping(() => clearTimeout(timeout));
    }, KEEPALIVE_MS);
    session.once("close", () => {
      clearInterval(timer);
      sessions.delete(session);
    });
  });
  return sessions;
}
