import { createClaims } from "../actions/effects/claims.ts";
import { createEffects } from "../actions/effects/index.ts";
import { createSteps } from "../actions/steps/index.ts";
import type { ActionInfo, OperationDeps } from "../application/deps.ts";
import { createChangeFeed } from "../application/watch/change-feed.ts";
import type { Config } from "../config/load.ts";
import type { CrashPoint } from "../config/test-hooks.ts";
import { createErp } from "../integrations/erp.ts";
import { createExternalClient } from "../integrations/external-client.ts";
import { openRedis } from "../integrations/redis.ts";
import { withMetrics } from "../integrations/with-metrics.ts";
import { createWms } from "../integrations/wms.ts";
import { type RetentionPeriods, startRetention } from "../jobs/retention/index.ts";
import { encodeEvent } from "../messaging/nats/codec.ts";
import { connectStream } from "../messaging/nats/connection.ts";
import { createPublisher } from "../messaging/nats/publisher.ts";
import { DEFAULT_TOPOLOGY } from "../messaging/nats/topology.ts";
import { startRelay } from "../messaging/relay/relay.ts";
import type { Action } from "../messaging/runner/action.ts";
import { startRunner } from "../messaging/runner/runner.ts";
import { subscriptionsFor } from "../messaging/runner/subscriptions.ts";
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
  readonly einvoiceUrl: string;
  readonly financeUrl: string;
  readonly messageUrl: string;
  /** `/allocate` and `/release` are below it. */
  readonly erpUrl: string;
  /** `/dispatch` and `/cancel` are below it. */
  readonly wmsUrl: string;
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

  const neighbour = (name: string, url: string) =>
    lifecycle.start(
      name,
      () =>
        withMetrics(
          name,
          createExternalClient({ name, url, timeoutMs: config.externalSystems.timeoutMs, log, tracer }),
          metrics,
        ),
      (client) => client.close(),
    );
  const events: EventDeps = {
    encode: encodeEvent,
    subscriptionsFor: (event) => asks(event),
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
    get actions() {
      return actionInfos;
    },
    outboxRetentionMs: outbox.retentionMs,
    kinds,
    paymentTimeoutMs: orders.paymentTimeoutMs,
    wmsAnswerMs: orders.wmsCancelTimeoutMs,
    now: () => db.clock.now(),
  };

  const { erpUrl, wmsUrl } = surroundings;
  const effects = createEffects({
    db,
    kinds,
    publisher,
    claims: createClaims(redis, { leaseMs: actionConfig.leaseMs, scope: config.mysql.databasePrefix }),
    einvoice: await neighbour("e-invoice mail", surroundings.einvoiceUrl),
    finance: await neighbour("finance", surroundings.financeUrl),
    message: await neighbour("customer messages", surroundings.messageUrl),
  });
  const steps = createSteps({
    operations,
    kinds,
    erp: createErp({
      allocate: await neighbour("ERP", below(erpUrl, "allocate")),
      release: await neighbour("ERP", below(erpUrl, "release")),
    }),
    wms: createWms({
      dispatch: await neighbour("WMS", below(wmsUrl, "dispatch")),
      cancel: await neighbour("WMS", below(wmsUrl, "cancel")),
    }),
  });
  const actions = [...effects, ...steps];
  const asks = subscriptionsFor(actions);
  const actionInfos = infosOf(effects, steps);
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

/** What people see of the Actions: the effects, the steps, then the timers. */
function infosOf(effects: readonly Action[], steps: readonly Action[]): readonly ActionInfo[] {
  const isTimer = ({ due }: Action) => due !== undefined;
  return [
    ...effects.map((action) => ({ ...action, kind: "effect" as const })),
    ...steps.filter((step) => !isTimer(step)).map((step) => ({ ...step, kind: "step" as const })),
    ...steps.filter(isTimer).map((timer) => ({ ...timer, kind: "timer" as const })),
  ];
}

/** An address below another one. */
function below(url: string, path: string): string {
  return `${url.replace(/\/$/, "")}/${path}`;
}

const DAY_MS = 86_400_000;

/** Retention periods in milliseconds; 0 days keep everything. */
function retentionPeriods({ retention }: Config): RetentionPeriods {
  const periodMs = (days: number) => (days === 0 ? Number.POSITIVE_INFINITY : days * DAY_MS);
  return { historyMs: periodMs(retention.historyDays), requestLogMs: periodMs(retention.requestLogDays) };
}
