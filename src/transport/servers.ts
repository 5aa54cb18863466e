import { setImmediate as nextTurn } from "node:timers/promises";
import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { ActionService } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { ShadowService } from "../../gen/oms/operations/v1/shadow_service_pb.ts";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import type { OperationDeps } from "../application/deps.ts";
import { OperationError } from "../application/errors.ts";
import { withTimeout } from "../lib/async.ts";
import type { Tracer } from "../observability/tracing.ts";
import type { Auth } from "./auth/index.ts";
import type { PortTls } from "./connections/tls.ts";
import { createGrpcServer, type GrpcServer } from "./grpc/server.ts";
import { createGuard } from "./guard/index.ts";
import { createActionHandlers } from "./handlers/actions.ts";
import { createFulfilmentHandlers } from "./handlers/fulfilment.ts";
import { createOrderStatusHandlers } from "./handlers/index.ts";
import { createReversalHandlers } from "./handlers/reversal.ts";
import { createShadowHandlers } from "./handlers/shadow.ts";
import type { HttpHandler } from "./http/connect.ts";
import type { Readiness } from "./http/pages.ts";
import { createHttpServer, type HttpServer } from "./http/server.ts";
import { MAX_CONNECTIONS, MAX_UNARY_CALLS } from "./limits.ts";
import type { AccessLogDeps } from "./middleware/access-log.ts";
import { trackInFlight } from "./middleware/in-flight.ts";
import { createRoutes, pipeline, type Route } from "./middleware/pipeline.ts";
import type { CallerLimits } from "./rate-limits/index.ts";
import { createReflection } from "./wire/reflection.ts";

export type { Readiness } from "./http/pages.ts";

export interface ServersOptions extends AccessLogDeps {
  readonly operations: OperationDeps;
  /** For /readyz. */
  readonly ready: () => Promise<Readiness>;
  /** Further addresses on the HTTP port, made of the RPCs: finds what answers at a path. */
  readonly extraEndpoints?: (routes: readonly Route[]) => (path: string) => HttpHandler | undefined;
  /** Proves callers; undefined: their word is taken. */
  readonly auth?: Auth | undefined;
  /** Undefined: callers may use as much as there is. */
  readonly limits?: CallerLimits | undefined;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Whether the contract is told to whoever asks; it is unless told otherwise. */
  readonly reflectionEnabled?: boolean;
  /** Undefined: both ports speak in the clear. */
  readonly tls?: PortTls | undefined;
  /** Connections to each port; MAX_CONNECTIONS unless told. */
  readonly maxConnections?: number;
  /** Origins whose pages may call, or "*". */
  readonly corsOrigins: readonly string[];
  /** What a unary call may take at most, in milliseconds. */
  readonly deadlineCapMs: number;
  /** How often a watch without news says that it is alive, in milliseconds. */
  readonly heartbeatMs: number;
}

const SERVICES = [OrderStatusService, FulfilmentService, OrderReversalService, ActionService, ShadowService];

/** All RPCs as the table of rights names them: `Service/Rpc`. */
export const RPC_NAMES: readonly string[] = SERVICES.flatMap(({ name, methods }) =>
  methods.map((method) => `${name}/${method.name}`),
);

/** Both ways in: gRPC on one port, Connect and gRPC-Web on the other. */
export interface Servers {
  readonly grpc: Pick<GrpcServer, "listen">;
  readonly http: Pick<HttpServer, "listen">;
  /**
   * Ends without breaking a call: not ready → no new connections → unary calls finish → streams end with UNAVAILABLE → what is left is
   * cut. What operations need must live on until then.
   *
   * @param ms how long it may take in all
   */
  drain(ms: number): Promise<void>;
}

/** Builds both fronts; nothing listens yet. */
export function createServers({
  operations,
  ready,
  extraEndpoints = () => () => undefined,
  auth,
  limits,
  tracer,
  reflectionEnabled = true,
  tls,
  maxConnections = MAX_CONNECTIONS,
  corsOrigins,
  deadlineCapMs,
  heartbeatMs,
  ...recording
}: ServersOptions): Servers {
  const openCalls = trackInFlight();
  const interceptors = pipeline({ ...recording, openCalls, tracer, auth, limits, deadlineCapMs });
  const routes = [
    ...createRoutes(OrderStatusService, createOrderStatusHandlers(operations, heartbeatMs), interceptors),
    ...createRoutes(FulfilmentService, createFulfilmentHandlers(operations), interceptors),
    ...createRoutes(OrderReversalService, createReversalHandlers(operations), interceptors),
    ...createRoutes(ActionService, createActionHandlers(operations), interceptors),
    ...createRoutes(ShadowService, createShadowHandlers(operations), interceptors),
  ];
  const reflection = reflectionEnabled ? createReflection(SERVICES) : [];
  const admission = {
    hasRoom: () => openCalls.unaryCount() < MAX_UNARY_CALLS,
    refused: (rpc: string) => recording.metrics.rpcRefused.inc({ rpc }),
  };
  const guard = createGuard();
  const grpc = createGrpcServer({
    routes,
    reflection,
    admission,
    tls,
    guard,
    connectionLimit: {
      max: maxConnections,
      isBlocked: guard.isBlocked,
      onRejected: (reason) => recording.metrics.connectionsRefused.inc({ port: "grpc", reason }),
    },
  });
  const http = createHttpServer({
    routes,
    reflection,
    findExtraHandler: extraEndpoints(routes),
    auth,
    corsOrigins,
    ready,
    tls,
    guard,
    maxConnections,
    ...recording,
  });
  return {
    grpc,
    http,
    async drain(ms) {
      const begin = Date.now();
      const until = (share: number, done: Promise<unknown>) => withTimeout(done, begin + share * ms - Date.now());
      grpc.stopAccepting();
      http.stopAccepting();
      // A call that hangs must leave the streams time to be told.
      await until(0.75, openCalls.unaryIdle());
      // Watchers hear of a change in the event loop's turn after its answer; the last one's too, before they are told to leave.
      await nextTurn();
      openCalls.endStreams(new OperationError("shutting-down", "the server ends: come back", { retryAfterMs: 1_000 }));
      await until(0.9, openCalls.idle());
      await until(1, Promise.all([grpc.closed(), http.closed()]));
      grpc.destroy();
      http.destroy();
      guard.close();
    },
  };
}
