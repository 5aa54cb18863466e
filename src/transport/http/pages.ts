import type { IncomingMessage, ServerResponse } from "node:http";
import { OperationError } from "../../application/errors.ts";
import type { Metrics } from "../../observability/metrics.ts";

/** Whether changes can be committed, and how each server behind this one is. */
export interface Readiness {
  readonly ready: boolean;
  /** For a person, for example "ok" or "out of reach: connect ECONNREFUSED". */
  readonly database: string;
  /** May be away for a while: events and Actions wait. */
  readonly broker: string;
  /** May be away for a while: the Actions that need it wait. */
  readonly redis: string;
}

export interface PagesDeps {
  readonly ready: () => Promise<Readiness>;
  readonly metrics: Metrics;
  /** Rejects where a request may not have the metrics. */
  readonly admitToMetrics: (request: IncomingMessage) => Promise<void>;
  /** The server ends: it is alive, and not ready. */
  readonly draining: () => boolean;
  /** The names of the services, to point to. */
  readonly services: readonly string[];
}

type Page = (response: ServerResponse, request: IncomingMessage) => Promise<void>;

/** What is no RPC: /healthz, /readyz, /metrics, and a 404 that says where to go. */
export function createPages({
  ready,
  metrics,
  admitToMetrics,
  draining,
  services,
}: PagesDeps): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const pages = new Map<string, Page>([
    ["/healthz", async (response) => sendJson(response, 200, { status: "alive" })],
    [
      "/readyz",
      async (response) => {
        const readiness = await ready();
        const isReady = readiness.ready && !draining();
        sendJson(response, isReady ? 200 : 503, { ...readiness, ready: isReady, draining: draining() });
      },
    ],
    [
      "/metrics",
      async (response, request) => {
        try {
          await admitToMetrics(request);
        } catch (error) {
          refuse(response, error);
          return;
        }
        const text = await metrics.registry.metrics();
        response.writeHead(200, { "content-type": metrics.registry.contentType }).end(text);
      },
    ],
  ]);
  return async (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const page = pages.get(path);
    if (page === undefined) {
      sendJson(response, 404, nothingAt(request.method ?? "", path, services));
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      sendJson(response, 405, { code: "unimplemented", message: `${path} takes GET, not ${request.method}` });
    } else {
      await page(response, request);
    }
  };
}

/** In Connect's shape, as all else that is refused here. */
function refuse(response: ServerResponse, error: unknown): void {
  if (!(error instanceof OperationError)) {
    throw error;
  }
  const unknown = error.kind === "unauthenticated";
  if (unknown) {
    response.setHeader("www-authenticate", "Bearer");
  }
  sendJson(response, unknown ? 401 : 403, {
    code: unknown ? "unauthenticated" : "permission_denied",
    message: error.message,
  });
}

/** Connect's shape of an error: its clients, and people, can read it. */
function nothingAt(method: string, path: string, services: readonly string[]): object {
  const rpcs = services.map((service) => `/${service}/<Rpc>`).join(" or ");
  return {
    code: method === "POST" ? "unimplemented" : "not_found",
    message: `nothing is at ${method} ${path}: RPCs are at POST ${rpcs} (content-type application/json), and there are GET /healthz, /readyz and /metrics`,
  };
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}
