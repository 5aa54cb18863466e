import type { Redis } from "ioredis";
import { createClaims } from "../../src/actions/effects/claims.ts";
import { bindHandlers, createRegistry } from "../../src/actions/registry.ts";
import type { OperationDeps } from "../../src/application/deps.ts";
import { ChangeFeed } from "../../src/application/watch/change-feed.ts";
import { type Config, readConfig } from "../../src/config/load.ts";
import type { OrderEvent } from "../../src/domain/events.ts";
import { createSystemClients } from "../../src/integrations/clients.ts";
import { openRedis } from "../../src/integrations/redis.ts";
import { encodeEvent } from "../../src/messaging/nats/codec.ts";
import { connectStream, type StreamConnection } from "../../src/messaging/nats/connection.ts";
import { createPublisher, type Publisher } from "../../src/messaging/nats/publisher.ts";
import type { Action } from "../../src/messaging/runner/action.ts";
import { createLogger, type Logger } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { resolveEndpoints } from "../../src/server/endpoints.ts";
import { createLifecycle } from "../../src/server/lifecycle.ts";
import { createReadinessMonitor } from "../../src/server/readiness.ts";
import { createCommitter } from "../../src/store/commit/committer.ts";
import { openTotalsReader } from "../../src/store/ledger/open-counts.ts";
import { createRequestLog } from "../../src/store/logs/request-log.ts";
import { migrate } from "../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../../src/store/mysql/database.ts";
import type { CommittedEvent } from "../../src/store/outbox/outbox.ts";
import { flowOrderReader } from "../../src/store/reads/flows.ts";
import { readChangesSince } from "../../src/store/reads/history.ts";
import { readOrderIdsOfTrade } from "../../src/store/reads/orders.ts";
import { snapshotReader } from "../../src/store/reads/snapshots.ts";
import { createServers } from "../../src/transport/servers.ts";

/** What a control can use to deliver committed events to Actions. */
export interface DeliveryDeps {
  /** The service's Actions and steps, without timers. */
  readonly actions: readonly Action[];
  readonly redis: Redis;
  readonly stream: StreamConnection;
  readonly publisher: Publisher;
  readonly log: Logger;
  /** Timeout of a run, in milliseconds. */
  readonly timeoutMs: number;
}

/** Called after each commit. Must not throw. */
export type Deliver = (committed: readonly CommittedEvent[]) => void;

/** Interval at which the outbox, which controls do not use, is emptied, in milliseconds. */
const EMPTY_OUTBOX_MS = 1_000;

/**
 * Runs the service with another delivery of events to Actions: no ledger entries are written, and
 * lost events are not searched for.
 */
export async function runControl(openDelivery: (deps: DeliveryDeps) => Deliver): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config.log.level);
  const lifecycle = createLifecycle(log);
  const { tls, urls } = await resolveEndpoints(config, lifecycle, () => {});
  const endpoints = { ...tls, ...urls };
  const { externalSystems, actions: actionConfig, outbox, orders, calls } = config;
  const { kinds } = orders;
  const metrics = createMetrics();
  const db = openDatabase({ url: endpoints.mysqlUrl, prefix: config.mysql.databasePrefix });
  await migrate(db);
  await db.clock.sync();
  const stream = connectStream({ url: endpoints.natsUrl, log });
  const redis = openRedis({ url: endpoints.redisUrl, log });
  const publisher = createPublisher({ stream, log, metrics });
  const feed = new ChangeFeed({
    changesSince: (versions) => readChangesSince(db, versions),
    orderIdsOfTrade: (root) => readOrderIdsOfTrade(db, root, undefined),
  });
  const { clients: systems } = createSystemClients({
    urls: endpoints.systemUrls,
    timeoutMs: externalSystems.timeoutMs,
    log,
  });

  let deliver: Deliver = () => {};
  const events = { encode: encodeEvent, subscriptionsFor: () => [], ledgerWatchMs: actionConfig.ledgerSweepDelayMs };
  const onCommitted = (committed: readonly CommittedEvent[]) => {
    deliver(committed);
    for (const { event } of committed) {
      if (event.type === "status-changed") {
        feed.publish(event);
      }
    }
  };
  const operations: OperationDeps = {
    db,
    committer: createCommitter({ db, kinds, ...events, onCommitted }),
    interventions: { db, ...events, onCommitted },
    readSnapshot: snapshotReader(db),
    readWatchedSnapshot: snapshotReader(db),
    readFlowOrder: flowOrderReader(db),
    readOpenTotals: openTotalsReader(db, actionConfig.leaseMs),
    feed,
    actions: [],
    outboxRetentionMs: outbox.retentionMs,
    kinds,
    paymentTimeoutMs: orders.paymentTimeoutMs,
    wmsAnswerMs: orders.wmsCancelTimeoutMs,
    now: () => db.clock.now(),
  };
  const claims = createClaims(redis, { leaseMs: actionConfig.leaseMs, scope: config.mysql.databasePrefix });
  const registry = createRegistry({ kinds, paymentTimeoutMs: orders.paymentTimeoutMs });
  const actions = bindHandlers(registry, { db, publisher, claims, systems, operations });
  const untimed = actions.filter(({ due }) => due === undefined);
  deliver = openDelivery({ actions: untimed, redis, stream, publisher, log, timeoutMs: actionConfig.leaseMs });
  setInterval(() => emptyOutbox(db), EMPTY_OUTBOX_MS);

  const servers = createServers({
    operations,
    ready: createReadinessMonitor({ db, stream, redis }).check,
    corsOrigins: config.listen.corsOrigins,
    requestLog: createRequestLog({ db, onDropped: () => {} }),
    log,
    metrics,
    deadlineCapMs: calls.deadlineCapMs,
    slowMs: config.log.slowMs,
    heartbeatMs: calls.watchHeartbeatMs,
  });
  await listen(servers, config, log);
}

async function listen(servers: ReturnType<typeof createServers>, config: Config, log: Logger): Promise<void> {
  const ports = {
    grpc: await servers.grpc.listen(config.listen.host, config.listen.grpcPort),
    http: await servers.http.listen(config.listen.host, config.listen.httpPort),
  };
  log.info({ ...ports, host: config.listen.host, role: config.service.role }, "listening");
}

function emptyOutbox(db: OrderDatabase): void {
  // Retried at the next interval when the database is down.
  db.deleteFrom("oms_db.oms_outbox")
    .execute()
    .catch(() => {});
}

/** Runs one attempt of an Action. */
export async function runOnce(action: Action, event: OrderEvent, timeoutMs: number): Promise<"done" | "failed"> {
  const { messageId } = event;
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const result = await action.run(event, {
      messageId,
      number: 1,
      mayHaveSideEffects: false,
      traceparent: "",
      signal,
    });
    return result.kind === "done" ? "done" : "failed";
  } catch {
    return "failed";
  }
}
