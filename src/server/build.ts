import { createClaims } from "../actions/effects/claims.ts";
import { bindHandlers, createRegistry } from "../actions/registry.ts";
import type { OperationDeps } from "../application/deps.ts";
import { ChangeFeed } from "../application/watch/change-feed.ts";
import type { Config } from "../config/load.ts";
import type { CrashPoint } from "../config/test-hooks.ts";
import { createSystemClients } from "../integrations/clients.ts";
import { checkRetentionUser, keepsEverything, type RetentionPeriods, startRetention } from "../jobs/retention/index.ts";
import { encodeEvent } from "../messaging/nats/codec.ts";
import { createPublisher, type Publisher } from "../messaging/nats/publisher.ts";
import { startRelay } from "../messaging/relay/relay.ts";
import { type Action, subscriptionsFor } from "../messaging/runner/action.ts";
import { startRunner } from "../messaging/runner/runner.ts";
import type { Logger } from "../observability/log.ts";
import { createMetrics, type Metrics } from "../observability/metrics.ts";
import type { Tracer } from "../observability/tracing.ts";
import { createCommitter } from "../store/commit/committer.ts";
import { observeCommits } from "../store/commit/observe.ts";
import { ALWAYS_HELD, type LeaseName, type Leases, startLeases } from "../store/leases/index.ts";
import { createDueSignal, type DueSignal } from "../store/ledger/due-signal.ts";
import { createLedger } from "../store/ledger/index.ts";
import { openTotalsReader } from "../store/ledger/open-counts.ts";
import type { CommittedEvent, EventDeps } from "../store/outbox/outbox.ts";
import { flowOrderReader } from "../store/reads/flows.ts";
import { readChangesSince } from "../store/reads/history.ts";
import { readOrderIdsOfTrade } from "../store/reads/orders.ts";
import { snapshotReader } from "../store/reads/snapshots.ts";
import { type Backends, connectBackends } from "./backends.ts";
import { registerCollectors } from "./collectors.ts";
import type { Endpoints } from "./endpoints.ts";
import { createLifecycle, type Lifecycle } from "./lifecycle.ts";
import { type Ports, startListeners } from "./listeners.ts";
import type { WorkerPlace } from "./processes/worker.ts";
import { createReadinessMonitor } from "./readiness.ts";

export interface ServerDeps {
  readonly config: Config;
  readonly endpoints: Endpoints;
  readonly log: Logger;
  /** For fault tests. */
  readonly crashPoint?: CrashPoint | undefined;
  /** Undefined: this process is the only one. */
  readonly worker?: WorkerPlace | undefined;
}

/** A server that serves calls, runs the Actions, or both, as its role requires. */
export interface Server {
  /**
   * Migrates the database, starts all components and listens. After an error, `stop` stops what
   * has been started.
   */
  start(): Promise<Ports>;
  /** Stops in the reverse order of the start; in-flight calls and Action runs finish first. */
  stop(): Promise<void>;
}

type Registry = ReturnType<typeof createRegistry>;

/** What all components of one server share. */
interface Core extends ServerDeps, Backends {
  readonly lifecycle: Lifecycle;
  readonly metrics: Metrics;
  readonly tracer: Tracer | undefined;
  /** Of the work that one server does for all. */
  readonly leases: Leases;
  /** From what makes ledger entries due to the Action runner. */
  readonly dueSignal: DueSignal;
}

/** Shutdown budget (ms) per component. */
const SHUTDOWN_BUDGET_MS = 1_000;

/** An attempt times out before its lease expires; otherwise two workers could run it at once. */
const ATTEMPT_SHARE_OF_LEASE = 0.6;

/** Orders of watches in one query: their rows are read in about a millisecond. */
const WATCHED_ORDERS_PER_QUERY = 128;

/** Builds a server; it opens and starts nothing before `start`. */
export function buildServer(deps: ServerDeps): Server {
  const lifecycle = createLifecycle(deps.log);
  return {
    start: () => start(deps, lifecycle),
    stop: () => lifecycle.stop(),
  };
}

/**
 * Data flows from the listeners through the operations, the committer and the relay to the stream,
 * and from there to the Actions.
 */
async function start(deps: ServerDeps, lifecycle: Lifecycle): Promise<Ports> {
  const { config, log } = deps;
  const { role } = config.service;
  const metrics = deps.worker?.metrics ?? createMetrics();
  // Started first and so stopped last, after all other components have ended their spans.
  const tracer = await startTracing(deps, lifecycle);
  const backends = await connectBackends({ ...deps, lifecycle });
  const leases = await lifecycle.start(
    "leases",
    () => startLeases({ db: backends.db, names: leaseNames(config), log }),
    (running) => running.stop(),
  );
  const core: Core = { ...deps, ...backends, lifecycle, metrics, tracer, leases, dueSignal: createDueSignal() };
  const registry = createRegistry(config.orders);
  const publisher = await lifecycle.start(
    "publisher",
    () => createPublisher({ stream: core.stream, log, metrics, tracer }),
    (open) => open.close(),
  );
  const operations = await startWritePath(core, registry, publisher);
  const readiness = createReadinessMonitor(backends);
  const processNumber = deps.worker?.number ?? 1;
  registerCollectors({ ...backends, metrics, ready: readiness.check, role, processNumber });
  if (role !== "serve") {
    await startWorkers(core, await bindActions(core, registry, publisher, operations));
  }
  await deps.worker?.mayListen();
  return startListeners({
    ...core,
    operations,
    feed: operations.feed,
    readiness,
    metricsPage: deps.worker?.metricsPage,
  });
}

async function startTracing(
  { config: { tracing }, log }: ServerDeps,
  lifecycle: Lifecycle,
): Promise<Tracer | undefined> {
  return (
    tracing &&
    lifecycle.start(
      "tracing",
      // The SDK is loaded only if a collector is configured.
      async () => (await import("../observability/otel.ts")).createTracing(tracing, log),
      (open) => open.close(),
    )
  );
}

/** Starts the change feed, the relay and the committer, and creates the operations on them. */
async function startWritePath(
  { config, db, stream, log, metrics, tracer, leases, dueSignal, lifecycle, crashPoint }: Core,
  registry: Registry,
  publisher: Publisher,
): Promise<OperationDeps> {
  const { orders, outbox, actions } = config;
  const crash = crashPoint === undefined ? {} : { crashPoint };
  const feed = await lifecycle.start(
    "change feed",
    () =>
      new ChangeFeed({
        changesSince: (versions) => readChangesSince(db, versions),
        orderIdsOfTrade: (root) => readOrderIdsOfTrade(db, root, undefined),
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
        ...outbox,
        lease: leases.of("outbox"),
        onRepublished: () => feed.resync(),
        ...crash,
      }),
    (running) => running.stop(SHUTDOWN_BUDGET_MS),
  );
  const events: EventDeps = {
    encode: encodeEvent,
    subscriptionsFor: subscriptionsFor(registry),
    ledgerWatchMs: actions.ledgerSweepDelayMs,
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
        kinds: orders.kinds,
        ...events,
        onCommitted,
        ...crash,
        lanes: config.commits.concurrency,
        observe: observeCommits({ metrics, log, tracer, slowMs: config.log.slowMs }),
      }),
    (running) => running.close(),
  );
  return {
    db,
    committer,
    interventions: { db, ...events, onCommitted, onDue: () => dueSignal.notify() },
    readSnapshot: snapshotReader(db),
    readWatchedSnapshot: snapshotReader(db, WATCHED_ORDERS_PER_QUERY),
    readFlowOrder: flowOrderReader(db),
    readOpenTotals: openTotalsReader(db, actions.leaseMs),
    feed,
    actions: registry,
    outboxRetentionMs: outbox.retentionMs,
    kinds: orders.kinds,
    paymentTimeoutMs: orders.paymentTimeoutMs,
    wmsAnswerMs: orders.wmsCancelTimeoutMs,
    now: () => db.clock.now(),
  };
}

/** Opens the clients of the external systems and binds the Actions' handlers. */
async function bindActions(
  { config, endpoints, db, redis, log, metrics, tracer, lifecycle }: Core,
  registry: Registry,
  publisher: Publisher,
  operations: OperationDeps,
): Promise<readonly Action[]> {
  const systems = await lifecycle.start(
    "external systems",
    () =>
      createSystemClients({
        urls: endpoints.systemUrls,
        timeoutMs: config.externalSystems.timeoutMs,
        log,
        metrics,
        tracer,
      }),
    (open) => open.close(),
  );
  return bindHandlers(registry, {
    db,
    publisher,
    claims: createClaims(redis, { leaseMs: config.actions.leaseMs, scope: config.mysql.databasePrefix }),
    systems: systems.clients,
    operations,
  });
}

/** Starts the Action runner and the retention job. */
async function startWorkers(
  { config, endpoints, db, stream, log, metrics, tracer, leases, dueSignal, lifecycle, crashPoint }: Core,
  actions: readonly Action[],
): Promise<void> {
  const { leaseMs, concurrency, pollMs, retryBaseMs, retryCapMs, maxAttempts } = config.actions;
  const ledger = await lifecycle.start(
    "ledger",
    () => createLedger({ db, leaseMs, outboxRetentionMs: config.outbox.retentionMs, dueSignal }),
    (open) => open.close(),
  );
  await lifecycle.start(
    "action runner",
    () =>
      startRunner({
        actions,
        stream,
        ledger,
        log,
        metrics,
        tracer,
        concurrency,
        pollMs,
        lease: leases.of("ledger"),
        attemptTimeoutMs: leaseMs * ATTEMPT_SHARE_OF_LEASE,
        backOff: { baseMs: retryBaseMs, capMs: retryCapMs },
        maxAttempts,
        ...(crashPoint !== undefined && { crashPoint }),
      }),
    (running) => running.stop(SHUTDOWN_BUDGET_MS),
  );
  const { retentionMysqlUrl: url, retentionMysqlPassword: password } = endpoints;
  const location = url === undefined ? db.location : { ...db.location, url, password };
  const periods = retentionPeriods(config);
  await checkRetentionUser(location, periods);
  await lifecycle.start(
    "retention",
    () =>
      startRetention({
        location,
        log,
        metrics,
        periods,
        // Without a period nothing is deleted.
        lease: keepsEverything(periods) ? ALWAYS_HELD : leases.of("retention"),
        intervalMs: config.retention.intervalMs,
      }),
    (running) => running.stop(),
  );
}

/** The leases that a server competes for: only those of work that it does. */
function leaseNames(config: Config): readonly LeaseName[] {
  if (config.service.role === "serve") {
    return ["outbox"];
  }
  return keepsEverything(retentionPeriods(config)) ? ["outbox", "ledger"] : ["outbox", "ledger", "retention"];
}

const DAY_MS = 86_400_000;

/** Retention periods in milliseconds; 0 days keep everything. */
function retentionPeriods({ retention }: Config): RetentionPeriods {
  const periodMs = (days: number) => (days === 0 ? Number.POSITIVE_INFINITY : days * DAY_MS);
  return { historyMs: periodMs(retention.historyDays), requestLogMs: periodMs(retention.requestLogDays) };
}
