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
import { RPC_NAMES } from "../transport/handlers/index.ts";
import type { Readiness } from "../transport/http/pages.ts";
import { createHttpServer, type HttpServerDeps } from "../transport/http/server.ts";
import { createLegacyHandler } from "../transport/legacy/handler.ts";
import { createShadow, type Shadow } from "../transport/legacy/shadow/index.ts";
import { createCallerLimits, createSharedBuckets } from "../transport/rate-limits/index.ts";
import { createServers } from "../transport/servers.ts";
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
  if (config.listen.metricsPort !== undefined) {
    await openPages(pages, config.listen.host, config.listen.metricsPort, lifecycle);
  }
  if (config.service.role === "subscribe") {
    return {
      grpc: undefined,
      http: await openPages({ ...pages, auth }, config.listen.host, config.listen.httpPort, lifecycle),
    };
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
        ...(config.legacy.enabled && {
          extraEndpoints: (routes) =>
            createLegacyHandler(routes, {
              ...config.legacy,
              failuresAreErrors: config.legacy.httpErrors,
              log,
              metrics,
              onRead: (read) => shadow?.offer(read),
            }),
        }),
        ...admission,
        limits:
          config.calls.rateLimits &&
          createCallerLimits(
            config.calls.rateLimits,
            createSharedBuckets(redis, { scope: config.mysql.databasePrefix }),
          ),
        reflectionEnabled: config.listen.reflection,
        maxConnections: config.listen.maxConnections,
        corsOrigins: config.listen.corsOrigins,
        requestLog,
        log,
        metrics,
        tracer,
        slowMs: config.log.slowMs,
        deadlineCapMs: config.calls.deadlineCapMs,
        heartbeatMs: config.calls.watchHeartbeatMs,
      }),
    (open) => open.drain(config.calls.drainMs),
  );
  return {
    grpc: await fronts.grpc.listen(config.listen.host, config.listen.grpcPort),
    http: await fronts.http.listen(config.listen.host, config.listen.httpPort),
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

/** TLS of the ports; undefined: plaintext. */
async function openTls({ tls, auth }: Config, lifecycle: Lifecycle, log: Logger): Promise<PortTls | undefined> {
  const { certFile, keyFile, clientCaFile } = tls;
  if (certFile === undefined || keyFile === undefined) {
    return undefined;
  }
  // With authentication, a call without credentials is rejected by the pipeline with an explanation, and health checks
  // need none. Without it, the client certificate is the only protection.
  const requireClientCertificate = auth.methods.length === 0;
  return lifecycle.start(
    "TLS",
    () => openPortTls({ certFile, keyFile, clientCaFile, requireClientCertificate }, log),
    (open) => open.close(),
  );
}

/** Authentication of callers; undefined: the caller header is trusted. */
async function openAuthentication({ auth }: Config, lifecycle: Lifecycle, log: Logger): Promise<Auth | undefined> {
  const { methods, jwtKeys: keys, jwtIssuer: issuer, jwtAudience: audience, permissionsFile } = auth;
  if (methods.length === 0) {
    return undefined;
  }
  const hasTokens = keys !== undefined && issuer !== undefined && audience !== undefined;
  const tokens = methods.includes("jwt") && hasTokens ? { keys, issuer, audience } : undefined;
  return lifecycle.start(
    "authentication",
    () => openAuth({ tokens, certificates: methods.includes("mtls"), permissionsFile }, RPC_NAMES, log),
    (open) => open.close(),
  );
}

/** What compares our answers at old addresses with the old system's; undefined where no old system is configured. */
async function openShadow(
  { legacy: { shadowUrl }, externalSystems }: Config,
  db: OrderDatabase,
  lifecycle: Lifecycle,
  telemetry: { readonly log: Logger; readonly metrics: Metrics },
): Promise<Shadow | undefined> {
  if (shadowUrl === undefined) {
    return undefined;
  }
  const oldSystem = await lifecycle.start(
    "old system",
    () => createLegacySystem({ url: shadowUrl, timeoutMs: externalSystems.timeoutMs }),
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
