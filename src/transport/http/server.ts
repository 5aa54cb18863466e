import {
  createServer as createHttp1,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
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
import type { Auth } from "../auth/index.ts";
import { createListener, type Listener } from "../connections/listener.ts";
import type { PortTls } from "../connections/tls.ts";
import { createGuard, type Guard } from "../guard/index.ts";
import {
  HEADERS_TIMEOUT_MS,
  HTTP1_CHECK_INTERVAL_MS,
  HTTP1_IDLE_MS,
  HTTP2_OPTIONS,
  KEEPALIVE_MS,
  KEEPALIVE_TIMEOUT_MS,
  MAX_CONNECTIONS,
  REQUEST_TIMEOUT_MS,
} from "../limits.ts";
import type { Route } from "../middleware/pipeline.ts";
import type { BuiltInService } from "../wire/reflection.ts";
import { createConnectHandlers, type HttpHandler } from "./connect.ts";
import { createCors } from "./cors.ts";
import { ALPN_PROTOCOLS, muxByAlpn, muxByPreface } from "./http-version-mux.ts";
import { requireMetricsPermission } from "./metrics-permission.ts";
import { createPages, type Readiness, sendJson } from "./pages.ts";
import { addReflection } from "./reflection.ts";

/** Connect, gRPC-Web, and the pages for people and machines that watch the server. At its end it says 503 at /readyz. */
export type HttpServer = Listener;

export interface HttpServerDeps {
  readonly routes: readonly Route[];
  readonly reflection: readonly BuiltInService[];
  /** Finds what answers at an address that is no RPC's. */
  readonly findExtraHandler?: (path: string) => HttpHandler | undefined;
  /** Proves who reads /metrics; undefined: anybody may. */
  readonly auth?: Auth | undefined;
  readonly corsOrigins: readonly string[];
  readonly ready: () => Promise<Readiness>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined: the port speaks in the clear. */
  readonly tls?: PortTls | undefined;
  /** One of its own unless told. */
  readonly guard?: Guard;
  /** MAX_CONNECTIONS unless told. */
  readonly maxConnections?: number;
}

export function createHttpServer({
  routes,
  reflection,
  findExtraHandler = () => undefined,
  auth,
  corsOrigins,
  ready,
  log,
  metrics,
  tls,
  guard = createGuard(),
  maxConnections = MAX_CONNECTIONS,
}: HttpServerDeps): HttpServer {
  const services = [...new Set(routes.map(({ rpc }) => rpc.method.parent.typeName))];
  const findRpc = createConnectHandlers(routes, (router) => addReflection(router, reflection));
  const cors = createCors(corsOrigins);
  const admitToMetrics = auth === undefined ? async () => {} : requireMetricsPermission(auth);
  const pages = createPages({ ready, metrics, admitToMetrics, draining: () => draining, services });
  let draining = false;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (cors(request, response)) {
      return;
    }
    const path = pathOf(request);
    await (findRpc(path) ?? findExtraHandler(path) ?? pages)(request, response);
  }

  /** Whatever a request holds, it ends nothing but itself. */
  function answer(request: IncomingMessage, response: ServerResponse): void {
    response.once("close", () => {
      if (draining) {
        setImmediate(() => http1.closeIdleConnections());
      }
    });
    serve(request, response).catch((error: unknown) => {
      if (isGone(response)) {
        return;
      }
      log.warn({ path: pathOf(request), error: String(error) }, "a request that could not be answered");
      if (response.headersSent) {
        response.destroy();
      } else {
        sendJson(response, 400, { code: "invalid_argument", message: "the request could not be read" });
      }
    });
  }

  function answerHttp1(request: IncomingMessage, response: ServerResponse): void {
    guard.http1(request, response);
    answer(request, response);
  }

  function answerHttp2(request: Http2ServerRequest, response: Http2ServerResponse): void {
    answer(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  }

  const http2 = createHttp2(
    HTTP2_OPTIONS,
    // Its requests and responses are made to be used like those of HTTP/1.1.
    answerHttp2 as (request: Http2ServerRequest, response: Http2ServerResponse) => void,
  );
  // Expectations that nobody knows are no reason to refuse; and Node's own refusal would wait for the whole body.
  http2.on("checkExpectation", answerHttp2);
  guard.http2(http2);
  const sessions = keptAlive(http2);
  const http1 = tls === undefined ? serveInTheClear(answerHttp1, http2) : serveOverTls(tls, answerHttp1, http2);
  const listener = createListener(http1, {
    max: maxConnections,
    isBlocked: guard.isBlocked,
    onRejected: (reason) => metrics.connectionsRefused.inc({ port: "http", reason }),
  });
  return {
    ...listener,
    stopAccepting() {
      draining = true;
      listener.stopAccepting();
      for (const session of sessions) {
        session.close();
      }
    },
  };
}

const HTTP1_OPTIONS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: HTTP1_IDLE_MS,
  connectionsCheckingInterval: HTTP1_CHECK_INTERVAL_MS,
} as const;

function serveInTheClear(answer: RequestListener, http2: Http2Server): Server {
  const http1 = createHttp1(HTTP1_OPTIONS, answer);
  muxByPreface(http1, http2);
  return http1;
}

function serveOverTls(tls: PortTls, answer: RequestListener, http2: Http2Server): HttpsServer {
  return tls.createServer((options) => {
    const http1 = createHttps({ ...options, ...HTTP1_OPTIONS, ALPNProtocols: ALPN_PROTOCOLS }, answer);
    muxByAlpn(http1, http2);
    return http1;
  });
}

/** Nobody hears the answer any more. A request that was read to its end says of itself that it is destroyed. */
function isGone(response: ServerResponse): boolean {
  const { stream } = response as { readonly stream?: ServerHttp2Stream };
  return response.destroyed || stream?.destroyed === true;
}

function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

/** The sessions of a server. One whose client is silent for long is asked, and cut when nobody answers. */
function keptAlive(http2: Http2Server): Set<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  http2.on("session", (session) => {
    sessions.add(session);
    const timer = setInterval(() => {
      const cut = setTimeout(() => session.destroy(), KEEPALIVE_TIMEOUT_MS).unref();
      session.ping(() => clearTimeout(cut));
    }, KEEPALIVE_MS);
    session.once("close", () => {
      clearInterval(timer);
      sessions.delete(session);
    });
  });
  return sessions;
}
