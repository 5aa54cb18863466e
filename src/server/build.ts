import { createClaims } from "../actions/effects/claims.ts";
import { bindHandlers, createRegistry } from "../actions/registry.ts";
import type { OperationDeps } from "../application/deps.ts";
import { createChangeFeed } from "../application/watch/change-feed.ts";
import type { Config } from "../config/load.ts";
import type { CrashPoint } from "../config/test-hooks.ts";
import { createSystemClients } from "../integrations/clients.ts";
import { openRedis } from "../integrations/redis.ts";
import type { SystemUrls } from "../integrations/systems.ts";
import { type RetentionPeriods, startRetention } from "../jobs/retention/index.ts";
import { encodeEvent } from "../messaging/nats/codec.ts";
import { connectStream } from "../messaging/nats/connection.ts";
import { createPublisher } from "../messaging/nats/publisher.ts";
import { DEFAULT_TOPOLOGY } from "../messaging/nats/topology.ts";
import { startRelay } from "../messaging/relay/relay.ts";
import { subscriptionsFor } from "../messaging/runner/action.ts";
import { startRunner } from "../messaging/runner/runner.ts";
import { loadTracing } from "../observability/load-tracing.ts";
import type { Logger } from "../observability/log.ts";
import { createMetrics } from "../observability/metrics.ts";
import { createCommitter } from "../store/commit/index.ts";
import { observeCommits } from "../store/commit/observe.ts";
import { createLedger } from "../store/ledger/index.ts";
import { migrate } from "../store/migrations/index.ts";
import { openDatabase } from "../store/mysql/database.ts";
import type { CommittedEvent, EventDeps } from "../store/outbox/outbox.ts";
import { openTotalsReader } from "../store/reads/action-totals.ts";
import { flowOrderReader } from "../store/reads/flows.ts";
import { readChangesSince } from "../store/reads/history.ts";
import { readOrderIdsOfTrade } from "../store/reads/orders.ts";
import { snapshotReader } from "../store/reads/snapshots.ts";
import type { BackendTls } from "./backend-credentials.ts";
import { registerCollectors } from "./collectors.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { type Ports, startListeners } from "./listeners.ts";
import { createReadinessCheck } from "./readiness.ts";

/** Where the servers and neighbours are, whether configured or embedded. */
export interface Endpoints extends BackendTls {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
  readonly natsUrl: string;
  readonly systemUrls: SystemUrls;
}

/** Share of a part in the time for an orderly stop, in milliseconds: publishing what is left, and ending what runs. */
const LAST_PUBLISH_MS = 1_000;

/** An attempt ends before its lease does, or two workers would run it at once. */
const ATTEMPT_SHARE_OF_LEASE = 0.6;

/**
 * Brings the database up to date and starts what the role asks for, each part in the lifecycle's hands; data flows from the fronts
 * through operations, commit and relay to the stream, and from there to the Actions and the flows' steps.
 */
export async function startServer(
  config: Config,
  surroundings: Endpoints,
  lifecycle: Lifecycle,
  log: Logger,
  crashPoint?: CrashPoint,
): Promise<Ports> {
  const { orders, actions: actionConfig, outbox } = config;
  const { kinds } = orders;
  const metrics = createMetrics();
  const crash = crashPoint === undefined ? {} : { crashPoint };
  const { tracing } = config;
  // First, so that it ends last, with the spans of all others.
  const tracer =
    tracing &&
    (await lifecycle.start(
      "tracing",
      () => loadTracing(tracing, log),
      (open) => open.close(),
    ));

  const db = await lifecycle.start(
    "database",
    () => openDatabase({ url: surroundings.mysqlUrl, ca: surroundings.mysqlCa, prefix: config.mysql.databasePrefix }),
    (database) => database.destroy(),
  );
  const { applied } = await migrate(db);
  log.info({ applied }, "the database is up to date");
  await db.clock.sync();
  const stream = await lifecycle.start(
    "stream",
    () =>
      connectStream({
        url: surroundings.natsUrl,
        ca: surroundings.natsCa,
        credsFile: surroundings.natsCredsFile,
        log,
        topology: { ...DEFAULT_TOPOLOGY, duplicateWindowMs: config.nats.duplicateWindowMs },
      }),
    (connection) => connection.close(),
  );
  const redis = await lifecycle.start(
    "redis",
    () => openRedis({ url: surroundings.redisUrl, ca: surroundings.redisCa, log }),
    (connection) => connection.disconnect(),
  );
  const publisher = await lifecycle.start(
    "publisher",
    () => createPublisher({ stream, log, metrics, tracer }),
    (open) => open.close(),
  );
  const feed = await lifecycle.start(
    "change feed",
    () =>
      createChangeFeed({
        changesSince: (versions) => readChangesSince(db, versions),
        orderIdsOfTrade: (root) => readOrderIdsOfTrade(db, root),
      }),
    (open) => open.close(),
  );
  const relay = await lifecycle.start(
    "relay",
    () =>
      startRelay({
        db,
        publisher,
        stream,
        log,
        metrics,
        retentionMs: outbox.retentionMs,
        sweepMs: outbox.sweepMs,
        onRepublished: () => feed.resync(),
        ...crash,
      }),
    (running) => running.stop(LAST_PUBLISH_MS),
  );

  const registry = createRegistry({ kinds, paymentTimeoutMs: orders.paymentTimeoutMs });
  const events: EventDeps = {
    encode: encodeEvent,
    subscriptionsFor: subscriptionsFor(registry),
    ledgerWatchMs: actionConfig.ledgerSweepDelayMs,
  };
  const onCommitted = (committed: readonly CommittedEvent[]) => {
    relay.enqueue(committed.map(({ row }) => row));
    for (const { event } of committed) {
      if (event.type === "status-changed") {
        feed.publish(event);
      }
    }
  };
  const committer = await lifecycle.start(
    "committer",
    () =>
      createCommitter({
        db,
        kinds,
        ...events,
        onCommitted,
        ...crash,
        lanes: config.commits.concurrency,
        observe: observeCommits({ metrics, log, tracer, slowMs: config.log.slowMs }),
      }),
    (running) => running.close(),
  );
  const operations: OperationDeps = {
    db,
    committer,
    changes: { db, ...events, onCommitted, tracer },
    readSnapshot: snapshotReader(db),
    readFlowOrder: flowOrderReader(db),
    readOpenSums: openTotalsReader(db, actionConfig.leaseMs),
    feed,
    actions: registry,
    outboxRetentionMs: outbox.retentionMs,
    kinds,
    paymentTimeoutMs: orders.paymentTimeoutMs,
    wmsAnswerMs: orders.wmsCancelTimeoutMs,
    now: () => db.clock.now(),
  };

  const systems = await lifecycle.start(
    "external systems",
    () =>
      createSystemClients({
        urls: surroundings.systemUrls,
        timeoutMs: config.externalSystems.timeoutMs,
        log,
        metrics,
        tracer,
      }),
    (open) => open.close(),
  );
  const actions = bindHandlers(registry, {
    db,
    publisher,
    claims: createClaims(redis, { leaseMs: actionConfig.leaseMs, scope: config.mysql.databasePrefix }),
    systems: systems.clients,
    operations,
  });
  const ready = createReadinessCheck({ db, stream, redis });
  registerCollectors({ metrics, db, stream, ready, role: config.service.role });

  if (config.service.role !== "serve") {
    const ledger = await lifecycle.start(
      "ledger",
      () => createLedger({ db, leaseMs: actionConfig.leaseMs, outboxRetentionMs: outbox.retentionMs }),
      (open) => open.close(),
    );
    await lifecycle.start(
      "Actions",
      () =>
        startRunner({
          actions,
          stream,
          ledger,
          log,
          metrics,
          tracer,
          concurrency: actionConfig.concurrency,
          pollMs: actionConfig.pollMs,
          attemptTimeoutMs: actionConfig.leaseMs * ATTEMPT_SHARE_OF_LEASE,
          backOff: { baseMs: actionConfig.retryBaseMs, capMs: actionConfig.retryCapMs },
          maxAttempts: actionConfig.maxAttempts,
          ...crash,
        }),
      (running) => running.stop(LAST_PUBLISH_MS),
    );
    await lifecycle.start(
      "upkeep",
      () =>
        startRetention({
          db,
          log,
          metrics,
          periods: retentionPeriods(config),
          intervalMs: config.retention.intervalMs,
        }),
      (running) => running.stop(),
    );
  }
  return startListeners(config, { operations, db, redis, stream, feed, ready, log, metrics, tracer }, lifecycle);
}

const DAY_MS = 86_400_000;

/** Retention periods in milliseconds; 0 days keep everything. */
function retentionPeriods({ retention }: Config): RetentionPeriods {
  const periodMs = (days: number) => (days === 0 ? Number.POSITIVE_INFINITY : days * DAY_MS);
  return { historyMs: periodMs(retention.historyDays), requestLogMs: periodMs(retention.requestLogDays) };
}
