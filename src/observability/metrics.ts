import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { type Aggregator, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { observableCounter, observableGauge } from "./observable-metrics.ts";

/**
 * Metrics exposed at /metrics. Each server has its own registry, so several servers can run in one
 * process. With OMS_PROCESSES, the page shows all processes: counters and histograms are added up,
 * and gauges too unless they have another `aggregator`.
 */
export type Metrics = ReturnType<typeof createMetrics>;

/** Histogram buckets, in seconds. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * How default metrics of several processes are merged, where the library omits or averages them:
 * the time of the first start, and the delay of the slowest process.
 */
const MERGED_DEFAULTS: Readonly<Record<string, Aggregator>> = {
  oms_process_start_time_seconds: "min",
  oms_nodejs_eventloop_lag_p99_seconds: "max",
};

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "oms_" });
  for (const [name, aggregator] of Object.entries(MERGED_DEFAULTS)) {
    Object.assign(registry.getSingleMetric(name) as object, { aggregator });
  }
  const registers = [registry];
  return {
    registry,
    rpcDuration: new Histogram({
      name: "oms_rpc_duration_seconds",
      help: "Duration of RPCs, by RPC, transport (grpc, http, legacy) and code.",
      labelNames: ["rpc", "transport", "code"] as const,
      buckets: SECONDS,
      registers,
    }),
    rpcCalls: observableCounter({
      name: "oms_rpc_calls_total",
      help: "Finished RPCs, by RPC, caller and code. Callers beyond the first 50 are counted as `(other)`.",
      labelNames: ["rpc", "caller", "code"],
      registers,
    }),
    rpcCallerSeconds: observableCounter({
      name: "oms_rpc_caller_seconds_total",
      help: "Total duration of finished RPCs, by RPC and caller.",
      labelNames: ["rpc", "caller"],
      registers,
    }),
    rpcInFlight: observableGauge({
      name: "oms_rpc_in_flight",
      help: "RPCs in flight, by RPC, open watches included.",
      labelNames: ["rpc"],
      registers,
    }),
    watchers: new Gauge({ name: "oms_watchers", help: "Open WatchOrderStatus streams.", registers }),
    commitBatchSize: new Histogram({
      name: "oms_commit_batch_size",
      help: "Requests per group commit.",
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
      registers,
    }),
    commitDuration: new Histogram({
      name: "oms_commit_duration_seconds",
      help: "Duration of group commits.",
      buckets: SECONDS,
      registers,
    }),
    commitQueue: new Gauge({ name: "oms_commit_queue", help: "Requests waiting for a commit.", registers }),
    commitRetries: new Counter({
      name: "oms_commit_retries_total",
      help: "Retried group commits, by reason (deadlock, lock-timeout, split, connection-lost).",
      labelNames: ["reason"] as const,
      registers,
    }),
    backendUp: observableGauge({
      name: "oms_backend_up",
      help: "Whether a backend (database, broker, redis) is reachable: 1 or 0. Checked on each scrape.",
      labelNames: ["backend"],
      aggregator: "min",
      registers,
    }),
    databaseConnections: observableGauge({
      name: "oms_database_connections",
      help: "Connections of the pool, by state (in_use, idle); at most OMS_MYSQL_CONNECTIONS per process. Commit connections are not included.",
      labelNames: ["state"],
      registers,
    }),
    databaseWaiting: observableGauge({
      name: "oms_database_waiting",
      help: "Requests waiting for a connection of the pool.",
      labelNames: [],
      registers,
    }),
    databaseErrors: observableCounter({
      name: "oms_database_errors_total",
      help: "Connection errors of the pool, by kind (unreachable; busy: no connection became free in time; lost: broke during a statement).",
      labelNames: ["kind"],
      registers,
    }),
    outboxRows: observableGauge({
      name: "oms_outbox_rows",
      help: "Rows in the outbox table, of all servers. Published rows stay for OMS_OUTBOX_RETENTION_MS, or until their Actions are done. Exposed by one server.",
      labelNames: [],
      aggregator: "max",
      registers,
    }),
    outboxAge: observableGauge({
      name: "oms_outbox_oldest_seconds",
      help: "Age of the oldest outbox row not marked as published. Up to OMS_OUTBOX_RETENTION_MS plus one sweep is normal. Exposed by one server.",
      labelNames: [],
      aggregator: "max",
      registers,
    }),
    outboxDepth: new Gauge({
      name: "oms_outbox_unpublished",
      help: "Events committed by this server and not yet acknowledged by the broker.",
      registers,
    }),
    published: new Counter({
      name: "oms_events_published_total",
      help: "Events acknowledged by the broker.",
      registers,
    }),
    republished: new Counter({
      name: "oms_events_republished_total",
      help: "Events republished from the outbox table, by reason (start, reconnect, sweep).",
      labelNames: ["reason"] as const,
      registers,
    }),
    actionLag: new Histogram({
      name: "oms_action_lag_seconds",
      help: "Time from commit to effect, by Action.",
      labelNames: ["action"] as const,
      buckets: [...SECONDS, 30, 60, 300, 3600],
      registers,
    }),
    actionAttempts: new Counter({
      name: "oms_action_attempts_total",
      help: "Delivery attempts, by Action and result (done, retry, waiting, parked, undecodable).",
      labelNames: ["action", "result"] as const,
      registers,
    }),
    brokerConnectionEvents: new Counter({
      name: "oms_broker_connection_events_total",
      help: "Connections to the event stream, by event (first; resumed: the connection broke; restarted: the broker restarted; lost: the stream lost messages, which are republished).",
      labelNames: ["event"] as const,
      registers,
    }),
    consumerPending: new Gauge({
      name: "oms_consumer_pending",
      help: "Messages not yet delivered to a consumer, by consumer. Polled every few seconds.",
      labelNames: ["consumer"] as const,
      aggregator: "max",
      registers,
    }),
    consumerRepairs: new Counter({
      name: "oms_consumer_repairs_total",
      help: "Repaired consumers, by reason (gone, ahead, stalled: recreated; slow: reopened).",
      labelNames: ["reason"] as const,
      registers,
    }),
    externalRequestDuration: new Histogram({
      name: "oms_external_request_duration_seconds",
      help: "Duration of requests to external systems, by system and result (done, retry, reject).",
      labelNames: ["system", "result"] as const,
      buckets: SECONDS,
      registers,
    }),
    actionAge: observableGauge({
      name: "oms_action_oldest_seconds",
      help: "Age of the oldest event an Action has not finished, parked ones excluded; for timers, time since the oldest was due. 0 if there is none. Exposed by one server.",
      labelNames: ["action"],
      aggregator: "max",
      registers,
    }),
    actionPaused: observableGauge({
      name: "oms_action_paused",
      help: "Whether an operator has paused an Action: 1 or 0.",
      labelNames: ["action"],
      aggregator: "max",
      registers,
    }),
    actionOpen: new Gauge({
      name: "oms_action_open",
      help: "Unfinished ledger entries, by Action and state (pending, retrying, parked). Counted every ten seconds, and exposed by one server.",
      labelNames: ["action", "state"] as const,
      aggregator: "max",
      registers,
    }),
    rpcRefused: new Counter({
      name: "oms_rpc_refused_total",
      help: "gRPC calls rejected unread because too many were in flight. Not included in any other metric.",
      labelNames: ["rpc"] as const,
      registers,
    }),
    tlsExpiry: observableGauge({
      name: "oms_tls_certificate_expiry_timestamp_seconds",
      help: "Expiry time of the listeners' certificate. Absent without TLS.",
      labelNames: [],
      aggregator: "min",
      registers,
    }),
    crlExpiry: observableGauge({
      name: "oms_tls_client_crl_expiry_timestamp_seconds",
      help: "Time at which the first of the revocation lists expires, and with it every client certificate of its CA is rejected. Absent without lists.",
      labelNames: [],
      aggregator: "min",
      registers,
    }),
    connectionsRefused: new Counter({
      name: "oms_connections_refused_total",
      help: "Connections closed on accept, by port (grpc, http) and reason (all: total limit; address: limit per address).",
      labelNames: ["port", "reason"] as const,
      registers,
    }),
    rateLimited: new Counter({
      name: "oms_rate_limited_total",
      help: "Calls rejected by a rate limit, by caller and limit (rate, concurrent, watches). Callers beyond the first 200 are counted as `(other)`.",
      labelNames: ["caller", "limit"] as const,
      registers,
    }),
    addressLimited: new Counter({
      name: "oms_address_rate_limited_total",
      help: "Calls that are not authenticated or not permitted and were rejected because their address had exceeded OMS_UNAUTHENTICATED_PER_SECOND, by kind (authentication: failed before; permission: not permitted; health; preflight; open: other endpoints without authentication).",
      labelNames: ["kind"] as const,
      registers,
    }),
    jsonUnknownFields: new Counter({
      name: "oms_json_unknown_fields_total",
      help: "Unknown fields in JSON requests that were ignored (OMS_JSON_UNKNOWN_FIELDS=ignore), by RPC and field. Fields beyond the first 200 are counted as `(other)`.",
      labelNames: ["rpc", "field"] as const,
      registers,
    }),
    legacyCalls: new Counter({
      name: "oms_legacy_calls_total",
      help: "Calls to legacy endpoints, by method, caller, protocol (http, soap) and result (answered, refused: client error, failed: server error).",
      labelNames: ["method", "caller", "protocol", "result"] as const,
      registers,
    }),
    requestLogDropped: new Counter({
      name: "oms_request_log_dropped_total",
      help: "Request log rows dropped because the database was unavailable for too long.",
      registers,
    }),
    shadowComparisons: new Counter({
      name: "oms_shadow_comparisons_total",
      help: "Shadow comparisons of legacy methods, by method and result (same, different, failed, skipped).",
      labelNames: ["method", "result"] as const,
      registers,
    }),
    shadowDifferences: new Counter({
      name: "oms_shadow_differences_total",
      help: "Differences found by shadow comparisons, by method and field. Fields beyond the first 200 are counted as `(other)`.",
      labelNames: ["method", "field"] as const,
      registers,
    }),
    buildInfo: observableGauge({
      name: "oms_build_info",
      help: "Version, Node version and role of this server. Always 1.",
      labelNames: ["version", "node", "role"],
      aggregator: "max",
      registers,
    }),
    processes: observableGauge({
      name: "oms_processes",
      help: "Processes that serve on the ports of this server: OMS_PROCESSES, less those being replaced.",
      labelNames: [],
      registers,
    }),
    processRestarts: new Counter({
      name: "oms_process_restarts_total",
      help: "Processes that exited and were replaced (OMS_PROCESSES above 1).",
      registers,
    }),
    eventLoopActive: observableCounter({
      name: "oms_event_loop_active_seconds_total",
      help: "Time the event loop was active, by process (from 1 to OMS_PROCESSES). Its rate is the utilization of that process, at most 1.",
      labelNames: ["process"],
      registers,
    }),
    retentionDeletedRows: new Counter({
      name: "oms_retention_deleted_rows_total",
      help: "Rows deleted after their retention period, by table (history, ledger, request, request_log).",
      labelNames: ["table"] as const,
      registers,
    }),
    retentionStepDuration: new Histogram({
      name: "oms_retention_step_seconds",
      help: "Duration of one retention step: a page read or a batch deleted.",
      buckets: SECONDS,
      registers,
    }),
    retentionLastPass: new Gauge({
      name: "oms_retention_last_pass_timestamp_seconds",
      help: "Time of this server's last complete retention pass. 0 if it has made none.",
      aggregator: "max",
      registers,
    }),
  };
}

/**
 * Registers what the default metrics lack: build information, number of processes and event loop
 * utilization.
 */
export function registerProcessMetrics(
  { buildInfo, processes, eventLoopActive }: Pick<Metrics, "buildInfo" | "processes" | "eventLoopActive">,
  { role, processNumber }: { readonly role: string; readonly processNumber: number },
): void {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  buildInfo.addCallback((observe) => observe({ version, node: process.version, role }, 1));
  processes.addCallback((observe) => observe({}, 1));
  const labels = { process: String(processNumber) };
  eventLoopActive.addCallback((observe) => observe(labels, performance.eventLoopUtilization().active / 1_000));
}
