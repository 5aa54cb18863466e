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
import { createTokenTransportCheck, type TokenTransportCheck } from "../transport/auth/cleartext.ts";
import { type Auth, type AuthOptions, openAuth } from "../transport/auth/index.ts";
import { type ClientAddress, createClientAddress } from "../transport/connections/client-address.ts";
import { openPortTls, type PortTls } from "../transport/connections/tls.ts";
import { RPC_NAMES } from "../transport/handlers/index.ts";
import { createHttpServer, type HttpServerDeps } from "../transport/http/server.ts";
import { createLegacyHandler } from "../transport/legacy/handler.ts";
import { createShadow, type Shadow } from "../transport/legacy/shadow/index.ts";
import { createAddressLimits, createCallerLimits, createSharedBuckets } from "../transport/rate-limits/index.ts";
import { createServers, type Servers, type ServersOptions } from "../transport/servers.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { ReadinessMonitor } from "./readiness.ts";

/** The bound ports. */
export interface Ports {
  /** Undefined for a role that serves no calls. */
  readonly grpc: number | undefined;
  readonly http: number;
}

export interface ListenerDeps {
  readonly config: Config;
  readonly lifecycle: Lifecycle;
  readonly operations: OperationDeps;
  readonly db: OrderDatabase;
  readonly redis: Redis;
  readonly stream: StreamConnection;
  readonly feed: ChangeFeed;
  readonly readiness: ReadinessMonitor;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The metrics of all processes; undefined: those of this one. */
  readonly metricsPage: (() => Promise<string>) | undefined;
  readonly tracer: Tracer | undefined;
}

/**
 * Listens as the role requires: gRPC and HTTP with the legacy endpoints for a role that serves
 * calls, health and metrics only for the others.
 */
export async function startListeners(deps: ListenerDeps): Promise<Ports> {
  const { config, readiness, log, metrics, metricsPage } = deps;
  const ready = readiness.check;
  const { host, httpPort, metricsPort, metricsAllow } = config.listen;
  const tls = await openTls(deps);
  metrics.tlsExpiry.addCallback((observe) => tls && observe({}, tls.validUntil().getTime() / 1_000));
  metrics.crlExpiry.addCallback((observe) => {
    const expiry = tls?.revocationsValidUntil();
    if (expiry !== undefined) {
      observe({}, expiry.getTime() / 1_000);
    }
  });
  const mayPresentToken = createTokenTransportCheck(config.tls.terminatedBy);
  const clientAddress = createClientAddress(config.tls.terminatedBy);
  const addressLimits = createAddressLimits({ perSecond: config.calls.unauthenticatedPerSecond, log, metrics });
  const auth = await openAuthentication(deps, { mayPresentToken, clientAddress, addressLimits });
  const allowedHosts = auth === undefined ? config.listen.allowedHosts : undefined;
  const monitoring = {
    routes: [],
    reflection: [],
    corsOrigins: [],
    allowedHosts,
    addressLimits,
    clientAddress,
    ready,
    log,
    metrics,
    metricsPage,
    tls,
  };
  if (metricsPort !== undefined) {
    await startMonitoring(deps, { ...monitoring, metricsAllow }, metricsPort);
  }
  if (config.service.role === "subscribe") {
    return { grpc: undefined, http: await startMonitoring(deps, { ...monitoring, auth }, httpPort) };
  }
  const servers = await startServers(deps, { tls, auth, allowedHosts, addressLimits, clientAddress, mayPresentToken });
  return {
    grpc: await servers.grpc.listen(host, config.listen.grpcPort),
    http: await servers.http.listen(host, httpPort),
  };
}

/** What decides whether a caller is served. */
interface Admission extends Pick<ServersOptions, "tls" | "auth" | "allowedHosts" | "addressLimits"> {
  readonly clientAddress: ClientAddress;
  readonly mayPresentToken: TokenTransportCheck;
}

/** The gRPC and the HTTP server with what they need; they do not listen yet. */
async function startServers(
  deps: ListenerDeps,
  { mayPresentToken, clientAddress, ...admission }: Admission,
): Promise<Servers> {
  const { config, lifecycle, operations, db, redis, stream, feed, readiness, log, metrics, metricsPage, tracer } = deps;
  const { listen, calls, legacy } = config;
  const statusChanges = await lifecycle.start(
    "status-change subscription",
    () =>
      subscribeToStatusChanges({
        stream,
        log,
        onChange: (change) => feed.announce(change),
        onGap: () => feed.resync(),
      }),
    (subscription) => subscription.close(),
  );
  feed.onDemand((watched) => statusChanges.setActive(watched));
  const requestLog = await lifecycle.start(
    "request log",
    () => createRequestLog({ db, onDropped: (count) => metrics.requestLogDropped.inc(count) }),
    (open) => open.close(),
  );
  const shadow = await startShadow(deps);
  return lifecycle.start(
    "servers",
    () =>
      createServers({
        operations,
        ready: readiness.check,
        ...(legacy.enabled && {
          extraEndpoints: (routes) =>
            createLegacyHandler(routes, {
              ...legacy,
              proxies: config.tls.terminatedBy,
              mayPresentToken,
              clientAddress,
              log,
              metrics,
              onRead: (read) => shadow?.offer(read),
            }),
        }),
        ...admission,
        limits:
          calls.rateLimits &&
          createCallerLimits(calls.rateLimits, createSharedBuckets(redis, { scope: config.mysql.databasePrefix })),
        reflectionEnabled: listen.reflection,
        maxConnections: listen.maxConnections,
        corsOrigins: listen.corsOrigins,
        unknownJsonFields: listen.unknownJsonFields,
        requestLog,
        log,
        metrics,
        metricsPage,
        tracer,
        slowMs: config.log.slowMs,
        clientAddress,
        deadlineCapMs: calls.deadlineCapMs,
        heartbeatMs: calls.watchHeartbeatMs,
      }),
    (servers) => {
      // For all ports: the one for metrics, too, serves until the end.
      readiness.startDraining();
      return servers.drain(calls.drainDelayMs, calls.drainMs);
    },
  );
}

/** Listens for health checks and metrics only. */
async function startMonitoring(
  { config, lifecycle }: ListenerDeps,
  options: HttpServerDeps,
  port: number,
): Promise<number> {
  const http = await lifecycle.start(
    "monitoring",
    () => createHttpServer(options),
    (open) => {
      open.stopAccepting();
      open.destroy();
    },
  );
  return http.listen(config.listen.host, port);
}

/** TLS of the ports; undefined: plaintext. */
async function openTls({ config, lifecycle, log }: ListenerDeps): Promise<PortTls | undefined> {
  const { certFile, keyFile, clientCaFile, clientCrlFile } = config.tls;
  if (certFile === undefined || keyFile === undefined) {
    return undefined;
  }
  // With authentication, the pipeline rejects a call without credentials and explains why, and
  // health checks need none. Without it, the client certificate is the only protection.
  const requireClientCertificate = config.auth.methods.length === 0;
  return lifecycle.start(
    "TLS",
    () => openPortTls({ certFile, keyFile, clientCaFile, clientCrlFile, requireClientCertificate }, log),
    (open) => open.close(),
  );
}

/** Authentication of callers; undefined: the caller header is trusted. */
async function openAuthentication(
  { config, lifecycle, log }: ListenerDeps,
  checks: Pick<AuthOptions, "mayPresentToken" | "clientAddress" | "addressLimits">,
): Promise<Auth | undefined> {
  const { methods, jwtKeys: keys, jwtIssuer: issuer, jwtAudience: audience, jwtType: type } = config.auth;
  const { jwtOperatorClaim: operatorClaim } = config.auth;
  if (methods.length === 0) {
    return undefined;
  }
  const isComplete = keys !== undefined && issuer !== undefined && audience !== undefined;
  const tokens = methods.includes("jwt") && isComplete ? { keys, issuer, audience, type, operatorClaim } : undefined;
  const { permissionsFile } = config.auth;
  return lifecycle.start(
    "authentication",
    () => openAuth({ tokens, certificates: methods.includes("mtls"), permissionsFile, ...checks }, RPC_NAMES, log),
    (open) => open.close(),
  );
}

/**
 * The comparison of legacy answers with the legacy system's; undefined: no legacy system is
 * configured.
 */
async function startShadow({ config, db, lifecycle, log, metrics }: ListenerDeps): Promise<Shadow | undefined> {
  const { shadowUrl: url } = config.legacy;
  if (url === undefined) {
    return undefined;
  }
  const legacySystem = await lifecycle.start(
    "legacy system",
    () => createLegacySystem({ url, timeoutMs: config.externalSystems.timeoutMs }),
    (client) => client.close(),
  );
  const shadowLog = await lifecycle.start(
    "shadow log",
    () => createShadowLog({ db }),
    (open) => open.close(),
  );
  return lifecycle.start(
    "shadow",
    () => createShadow({ legacySystem, shadowLog, log, metrics }),
    (open) => open.close(),
  );
}
