import type { IncomingMessage, ServerResponse } from "node:http";
import { Code } from "@connectrpc/connect";
import { errorRow, type GrpcCode, OperationError } from "../../application/errors.ts";
import { createAddressList, LOOPBACK } from "../../lib/address-list.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../../observability/shorten.ts";
import { type Auth, permissionDenied } from "../auth/index.ts";
import { peerOfRequest } from "../connections/peer.ts";
import type { Route } from "../middleware/pipeline.ts";
import { nearestRpc, pathOfMethod } from "../wire/unknown-rpc.ts";
import type { AddressCheck } from "./address-limit.ts";

/** Whether changes can be committed, and the state of each backend. */
export interface Readiness {
  readonly ready: boolean;
  /** Whether the server is shutting down: alive, but not ready. */
  readonly draining: boolean;
  /** For people, for example "ok" or "unreachable: changes cannot be committed". */
  readonly database: string;
  /** May be unavailable for a while: events and Actions wait. */
  readonly broker: string;
  /** May be unavailable for a while: the Actions that need it wait. */
  readonly redis: string;
}

export interface PagesDeps {
  readonly ready: () => Promise<Readiness>;
  readonly metrics: Metrics;
  /** The text of /metrics. Default: the metrics of this process. */
  readonly metricsPage?: (() => Promise<string>) | undefined;
  /** Protects /metrics; undefined: open to everyone. */
  readonly auth: Auth | undefined;
  /** Who may read /metrics, besides this machine; undefined: everyone. */
  readonly metricsAllow: readonly string[] | undefined;
  readonly addressCheck: AddressCheck;
  /** For the 404 response. */
  readonly routes: readonly Route[];
}

/** Open to everyone: they return healthy or not. */
export const HEALTH_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

type Page = (response: ServerResponse, request: IncomingMessage) => Promise<void>;

/** All that is not an RPC: /healthz, /readyz, /metrics, and 404. */
export function createPages({
  ready,
  metrics,
  metricsPage = () => metrics.registry.metrics(),
  auth,
  metricsAllow,
  addressCheck,
  routes,
}: PagesDeps): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const scrape = createScrape(metricsPage);
  const allowed = metricsAllow && createAddressList([...LOOPBACK, ...metricsAllow]);
  const pages = new Map<string, Page>([
    ["/healthz", async (response) => sendJson(response, 200, { status: "alive" })],
    [
      "/readyz",
      async (response) => {
        const readiness = await ready();
        sendJson(response, readiness.ready ? 200 : 503, readiness);
      },
    ],
    [
      "/metrics",
      async (response, request) => {
        if (allowed?.has(peerOfRequest(request).address) === false) {
          sendJson(response, 403, { code: "permission_denied", message: "address is not in OMS_METRICS_ALLOW" });
          return;
        }
        if (auth === undefined && addressCheck.rejects("open", request, response)) {
          return;
        }
        try {
          await requireMetricsPermission(auth, request);
        } catch (error) {
          if (error instanceof OperationError && error.kind === "address-rate-limited") {
            addressCheck.reject(request, response, error);
          } else {
            sendAuthError(response, error);
          }
          return;
        }
        response.writeHead(200, { "content-type": metrics.registry.contentType }).end(await scrape());
      },
    ],
  ]);
  const rpcs = routes.map(({ rpc }) => pathOfMethod(rpc.method));
  return async (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const page = pages.get(path);
    if (path !== "/metrics" && addressCheck.rejects(HEALTH_PATHS.has(path) ? "health" : "open", request, response)) {
      return;
    }
    if (page === undefined) {
      const message = notFound(request.method ?? "", path, rpcs);
      if (request.method === "POST") {
        sendUnimplemented(request, response, 404, message);
      } else {
        sendJson(response, 404, { code: "not_found", message });
      }
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      const message = `method ${shorten(request.method ?? "", MAX_QUOTED_LENGTH)} is not allowed for ${path}: use GET`;
      sendJson(response, 405, { code: "unimplemented", message });
    } else {
      await page(response, request);
    }
  };
}

/** Renders the metrics, once for all requests at the same time: it takes milliseconds. */
function createScrape(page: () => Promise<string>): () => Promise<string> {
  let current: Promise<string> | undefined;
  return () => {
    current ??= page().finally(() => {
      current = undefined;
    });
    return current;
  };
}

/**
 * @throws OperationError "unauthenticated", "permission-denied", "keys-unavailable" or
 *   "address-rate-limited"
 */
async function requireMetricsPermission(auth: Auth | undefined, request: IncomingMessage): Promise<void> {
  if (auth === undefined) {
    return;
  }
  const credentials = {
    authorization: request.headers.authorization,
    peer: peerOfRequest(request),
    authenticatedName: undefined,
    forwardedFor: request.headers["x-forwarded-for"]?.toString(),
  };
  const identity = await auth.authenticate(credentials);
  if (!auth.permissionsOf(identity).canCall("metrics")) {
    throw auth.denied(credentials, permissionDenied(identity, "/metrics"));
  }
}

/** The HTTP statuses of authentication and authorization errors. */
const AUTH_STATUSES: Partial<Record<GrpcCode, number>> = {
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  UNAVAILABLE: 503,
};

/** In Connect's JSON format, as all errors on this port. */
function sendAuthError(response: ServerResponse, error: unknown): void {
  if (!(error instanceof OperationError)) {
    throw error;
  }
  if (error.kind === "unauthenticated") {
    response.setHeader("www-authenticate", "Bearer");
  }
  const { code } = errorRow(error.kind);
  sendJson(response, AUTH_STATUSES[code] ?? 500, { code: code.toLowerCase(), message: error.message });
}

function notFound(method: string, path: string, rpcs: readonly string[]): string {
  const meant = nearestRpc(path, rpcs);
  const services = [...new Set(rpcs.map((rpc) => rpc.slice(0, rpc.lastIndexOf("/"))))];
  const hint =
    meant === undefined
      ? `use POST ${services.map((service) => `${service}/<Rpc>`).join(" or ")} (content-type application/json), or GET /healthz, /readyz or /metrics`
      : `did you mean ${meant}?`;
  return `no endpoint at ${shorten(method, MAX_QUOTED_LENGTH)} ${shorten(path, MAX_QUOTED_LENGTH)}: ${hint}`;
}

/** The content type of a request in gRPC-Web, without parameters. */
const GRPC_WEB_TYPE = /^application\/grpc-web(?:-text)?(?:\+[a-z]{1,16})?(?= *(?:;|$))/i;

/**
 * Rejects a request that is not a call of an RPC as served here. A client of gRPC-Web learns the
 * reason from headers, with status 200; all others from JSON.
 *
 * @param status the HTTP status
 */
export function sendUnimplemented(
  { headers }: IncomingMessage,
  response: ServerResponse,
  status: number,
  message: string,
): void {
  const [type] = GRPC_WEB_TYPE.exec(headers["content-type"] ?? "") ?? [];
  if (type !== undefined) {
    const code = { "grpc-status": Code.Unimplemented, "grpc-message": encodeURIComponent(message) };
    response.writeHead(200, { "content-type": type, ...code }).end();
  } else {
    sendJson(response, status, { code: "unimplemented", message });
  }
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}
