import type { Redis } from "ioredis";
import type { OperationDeps } from "../application/deps.ts";
import type { ChangeFeed } from "../application/watch/change-feed.ts";
import type { Config } from "../config/load.ts";
import { createLegacySystem } from "../integrations/legacy-system.ts";
import type { StreamConnection } from "../messaging/nats/connection.ts";
import { subscribeToStatusChanges } from "../messaging/nats/status-changes.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { Tracer } from "../observability/tracing.ts";
import { createRequestLog } from "../store/logs/request-log.ts";
import { createShadowLog } from "../store/logs/shadow-log.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";
import { type Auth, openAuth } from "../transport/auth/index.ts";
import { openPortTls, type PortTls } from "../transport/connections/tls.ts";
import type { Readiness } from "../transport/http/pages.ts";
import { createHttpServer, type HttpServerDeps } from "../transport/http/server.ts";
import { createLegacyHandler } from "../transport/legacy/handler.ts";
import { createShadow, type Shadow } from "../transport/legacy/shadow/index.ts";
import { createCallerLimits, createSharedBuckets } from "../transport/rate-limits/index.ts";
import { createServers, RPC_NAMES } from "../transport/servers.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** Where the service listens; undefined where its role serves no calls. */
export interface Ports {
  readonly grpc: number | undefined;
  readonly http: number;
}

/** What stands behind the doors. */
export interface ListenerDeps {
  readonly operations: OperationDeps;
  readonly db: OrderDatabase;
  readonly redis: Redis;
  readonly stream: StreamConnection;
  readonly feed: ChangeFeed;
  readonly ready: () => Promise<Readiness>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer | undefined;
}

/** Opens what the role asks for: the RPCs on both ports with the old addresses, or the pages alone; and who may come in is looked at here. */
export async function startListeners(config: Config, inside: ListenerDeps, lifecycle: Lifecycle): Promise<Ports> {
  const { ready, log, metrics } = inside;
  const tls = await openTls(config, lifecycle, log);
  metrics.tlsExpiry.addCallback((observe) => tls && observe({}, tls.validUntil().getTime() / 1_000));
  const auth = await openAuthentication(config, lifecycle, log);
  const pages = { routes: [], reflection: [], corsOrigins: [], ready, log, metrics, tls };
  if (config.metricsPort !== undefined) {
    await openPages(pages, config.host, config.metricsPort, lifecycle);
  }
  if (config.role === "subscribe") {
    return { grpc: undefined, http: await openPages({ ...pages, auth }, config.host, config.httpPort, lifecycle) };
  }
  return openFronts(config, inside, { tls, auth }, lifecycle);
}

async function openFronts(
  config: Config,
  { operations, db, redis, stream, feed, ready, log, metrics, tracer }: ListenerDeps,
  admission: { readonly tls: PortTls | undefined; readonly auth: Auth | undefined },
  lifecycle: Lifecycle,
): Promise<Ports> {
  await lifecycle.start(
    "listener",
    () =>
      subscribeToStatusChanges({
        stream,
        log,
        onChange: (change) => feed.publish(change),
        onGap: () => feed.resync(),
      }),
    (listener) => listener.close(),
  );
  const requestLog = await lifecycle.start(
    "request log",
    () => createRequestLog({ db, onDropped: (count) => metrics.requestLogDropped.inc(count) }),
    (open) => open.close(),
  );
  const shadow = await openShadow(config, db, lifecycle, { log, metrics });
  const fronts = await lifecycle.start(
    "fronts",
    () =>
      createServers({
        operations,
        ready,
        ...(config.legacy.on && {
          extraEndpoints: (routes) =>
            createLegacyHandler(routes, { ...config.legacy, log, metrics, onRead: (read) => shadow?.offer(read) }),
        }),
        ...admission,
        limits:
          config.rateLimits &&
          createCallerLimits(config.rateLimits, createSharedBuckets(redis, { scope: config.databasePrefix })),
        reflectionEnabled: config.reflection,
        maxConnections: config.maxConnections,
        corsOrigins: config.corsOrigins,
        requestLog,
        log,
        metrics,
        tracer,
        slowMs: config.timing.slowMs,
        deadlineCapMs: config.timing.deadlineCapMs,
        heartbeatMs: config.timing.watchHeartbeatMs,
      }),
    (open) => open.drain(config.timing.drainMs),
  );
  return {
    grpc: await fronts.grpc.listen(config.host, config.grpcPort),
    http: await fronts.http.listen(config.host, config.httpPort),
  };
}

async function openPages(deps: HttpServerDeps, host: string, port: number, lifecycle: Lifecycle): Promise<number> {
  const http = await lifecycle.start(
    "pages",
    () => createHttpServer(deps),
    (open) => {
      open.stopAccepting();
      open.destroy();
    },
  );
  return http.listen(host, port);
}

/** TLS for the ports; undefined where they speak in the clear. */
async function openTls({ tls, auth }: Config, lifecycle: Lifecycle, log: Logger): Promise<PortTls | undefined> {
  // Who proves nothing is refused by the pipeline, in words; a probe of /healthz has nothing to prove. Where nothing else is asked of callers, the
  // certificate is what keeps strangers out.
  const requireClientCertificate = auth === undefined;
  return (
    tls &&
    lifecycle.start(
      "TLS",
      () => openPortTls({ ...tls, requireClientCertificate }, log),
      (open) => open.close(),
    )
  );
}

/** What proves callers; undefined where their word is taken. */
async function openAuthentication({ auth }: Config, lifecycle: Lifecycle, log: Logger): Promise<Auth | undefined> {
  return (
    auth &&
    lifecycle.start(
      "authentication",
      () => openAuth(auth, RPC_NAMES, log),
      (open) => open.close(),
    )
  );
}

/** What compares our answers at old addresses with the old system's; undefined where no old system is configured. */
async function openShadow(
  { shadowUrl, timing }: Config,
  db: OrderDatabase,
  lifecycle: Lifecycle,
  telemetry: { readonly log: Logger; readonly metrics: Metrics },
): Promise<Shadow | undefined> {
  if (shadowUrl === undefined) {
    return undefined;
  }
  const oldSystem = await lifecycle.start(
    "old system",
    () => createLegacySystem({ url: shadowUrl, timeoutMs: timing.downstreamTimeoutMs }),
    (client) => client.close(),
  );
  const keep = await lifecycle.start(
    "shadow log",
    () => createShadowLog({ db }),
    (open) => open.close(),
  );
  return lifecycle.start(
    "shadow",
    () => createShadow({ oldSystem, keep, ...telemetry }),
    (open) => open.close(),
  );
}
