import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import type { OperationDeps } from "../application/deps.ts";
import { OperationError } from "../application/errors.ts";
import { withTimeout } from "../lib/async.ts";
import type { Logger } from "../observability/log.ts";
import { createLogLimiter } from "../observability/log-limiter.ts";
import { MAX_QUOTED_LENGTH, shorten } from "../observability/shorten.ts";
import type { Tracer } from "../observability/tracing.ts";
import type { Auth } from "./auth/index.ts";
import { createClientAddress } from "./connections/client-address.ts";
import { rejectedConnections } from "./connections/listener.ts";
import type { PortTls } from "./connections/tls.ts";
import type { RejectedCall } from "./grpc/admission.ts";
import { createGrpcServer, type GrpcServer } from "./grpc/server.ts";
import { createGuard } from "./guard/index.ts";
import { createAllRoutes, SERVICES } from "./handlers/index.ts";
import type { Readiness } from "./http/pages.ts";
import { createHttpServer, type FindHandler, type HttpServer } from "./http/server.ts";
import { MAX_CONNECTIONS, MAX_UNARY_CALLS } from "./limits.ts";
import type { AccessLogDeps } from "./middleware/access-log.ts";
import type { LoadShedding } from "./middleware/admission.ts";
import { trackInFlight } from "./middleware/in-flight.ts";
import { pipeline, type Route } from "./middleware/pipeline.ts";
import type { AddressLimits, CallerLimits } from "./rate-limits/index.ts";
import { createRequestDecoder } from "./wire/decode.ts";
import { observeIgnoredFields } from "./wire/ignored-fields.ts";
import { createReflection } from "./wire/reflection.ts";
import type { UnknownFields } from "./wire/strict-json.ts";

export interface ServersOptions extends AccessLogDeps {
  readonly operations: OperationDeps;
  /** For /readyz and grpc.health.v1. */
  readonly ready: () => Promise<Readiness>;
  /** Further endpoints on the HTTP port, based on the RPCs: finds the handler of a path. */
  readonly extraEndpoints?: (routes: readonly Route[]) => FindHandler;
  /** Undefined: callers name themselves. */
  readonly auth?: Auth | undefined;
  /** Undefined: no limits per address. */
  readonly addressLimits?: AddressLimits | undefined;
  /** Undefined: no limits per caller. */
  readonly limits?: CallerLimits | undefined;
  /** Undefined: no tracing. */
  readonly tracer?: Tracer | undefined;
  /** Whether server reflection is served. Default: true. */
  readonly reflectionEnabled?: boolean;
  /** Undefined: both ports are plaintext. */
  readonly tls?: PortTls | undefined;
  /** Maximum connections to each port. Default: MAX_CONNECTIONS. */
  readonly maxConnections?: number;
  /** Origins whose pages may call, or "*". */
  readonly corsOrigins: readonly string[];
  /** What happens to a JSON request with a field that does not exist. Default: rejected. */
  readonly unknownJsonFields?: UnknownFields;
  /** Host names that HTTP requests may be for, besides loopback's; undefined: any. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Maximum duration of a unary call, in milliseconds. */
  readonly deadlineCapMs: number;
  /** Interval between heartbeats of an idle watch, in milliseconds. */
  readonly heartbeatMs: number;
  /** The text of /metrics. Default: the metrics of this process. */
  readonly metricsPage?: (() => Promise<string>) | undefined;
}

/** Both ports: gRPC on one, Connect, gRPC-Web and legacy endpoints on the other. */
export interface Servers {
  readonly grpc: Pick<GrpcServer, "listen">;
  readonly http: Pick<HttpServer, "listen">;
  /**
   * Graceful shutdown: not ready → calls are served while load balancers notice → no new
   * connections → unary calls finish → streams end with UNAVAILABLE → remaining connections are
   * closed. What operations depend on must be available until then.
   *
   * @param delayMs how long calls are served although the server is not ready
   * @param ms shutdown budget after that
   */
  drain(delayMs: number, ms: number): Promise<void>;
}

/** Maximum log lines per second and reason for calls that are in no access log. */
const REJECTIONS_PER_SECOND = 5;

function logRejectedCalls(log: Logger): (rejected: RejectedCall) => void {
  const lines = createLogLimiter(log, { message: "call rejected", perSecond: REJECTIONS_PER_SECOND });
  return ({ reason, rpc, address }) =>
    lines.write(reason === "overloaded" ? "warn" : "info", reason, () => ({
      reason,
      rpc: shorten(rpc, MAX_QUOTED_LENGTH),
      transport: "grpc",
      address: address(),
    }));
}

/** Builds both servers without listening. */
export function createServers({
  operations,
  ready,
  extraEndpoints = () => () => undefined,
  auth,
  limits,
  addressLimits,
  tracer,
  reflectionEnabled = true,
  tls,
  maxConnections = MAX_CONNECTIONS,
  corsOrigins,
  unknownJsonFields = "reject",
  allowedHosts,
  deadlineCapMs,
  heartbeatMs,
  metricsPage,
  ...accessLogDeps
}: ServersOptions): Servers {
  const { log, metrics, clientAddress = createClientAddress([]) } = accessLogDeps;
  const inFlight = trackInFlight();
  const loadShedding: LoadShedding = {
    hasCapacity: () => inFlight.unaryCount() < MAX_UNARY_CALLS,
    onRejected: (rpc) => metrics.rpcRefused.inc({ rpc }),
  };
  const routes = createAllRoutes(
    operations,
    heartbeatMs,
    pipeline({ ...accessLogDeps, inFlight, loadShedding, tracer, auth, limits, deadlineCapMs }),
  );
  const decode = createRequestDecoder(unknownJsonFields, observeIgnoredFields(log, metrics));
  const guard = createGuard(clientAddress);
  let grpcPort: number | undefined;
  const grpc = createGrpcServer({
    routes,
    decode,
    isReady: async () => (await ready()).ready,
    reflection: reflectionEnabled ? createReflection([...SERVICES, Health]) : [],
    loadShedding,
    onRejected: logRejectedCalls(log),
    clientAddress,
    tls,
    addressLimits,
    guard,
    connectionLimit: {
      max: maxConnections,
      onRejected: rejectedConnections("grpc", log, metrics),
    },
  });
  const http = createHttpServer({
    routes,
    decode,
    reflection: reflectionEnabled ? createReflection(SERVICES) : [],
    findExtraHandler: extraEndpoints(routes),
    auth,
    corsOrigins,
    allowedHosts,
    ready,
    grpcPort: () => grpcPort,
    tls,
    addressLimits,
    guard,
    maxConnections,
    metricsPage,
    ...accessLogDeps,
  });
  return {
    grpc: {
      async listen(host, port) {
        grpcPort = await grpc.listen(host, port);
        return grpcPort;
      },
    },
    http,
    async drain(delayMs, ms) {
      grpc.startDraining();
      http.startDraining();
      await sleep(delayMs);
      const startedAt = Date.now();
      const within = (share: number, done: Promise<unknown>) => withTimeout(done, startedAt + share * ms - Date.now());
      grpc.stopAccepting();
      http.stopAccepting();
      // Leaves time for the streams, should a call hang.
      await within(0.75, inFlight.unaryIdle());
      // Watches receive a change one turn of the event loop after its response: the last one before
      // they end.
      await nextTurn();
      inFlight.endStreams(
        new OperationError("shutting-down", "server is shutting down; retry", { retryAfterMs: 1_000 }),
      );
      await within(0.9, inFlight.idle());
      await within(1, Promise.all([grpc.closed(), http.closed()]));
      grpc.destroy();
      http.destroy();
      guard.close();
    },
  };
}
