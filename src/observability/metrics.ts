import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { observableCounter, observableGauge } from "./observable-metrics.ts";

/** All that /metrics shows. Each server has its own set, so that two of them in one process do not mix. */
export type Metrics = ReturnType<typeof createMetrics>;

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "oms_" });
  const registers = [registry];
  return {
    registry,
    rpcDuration: new Histogram({
      name: "oms_rpc_duration_seconds",
      help: "How long a call took, by RPC, front (grpc, http) and code.",
      labelNames: ["rpc", "front", "code"] as const,
      buckets: SECONDS,
      registers,
    }),
    rpcCalls: observableCounter({
      name: "oms_rpc_calls_total",
      help: "Calls that ended, by RPC, caller and code; past 50 callers the others are `(other)`.",
      labelNames: ["rpc", "caller", "code"],
      registers,
    }),
    rpcCallerSeconds: observableCounter({
      name: "oms_rpc_caller_seconds_total",
      help: "How long those calls took in all, by RPC and caller.",
      labelNames: ["rpc", "caller"],
      registers,
    }),
    rpcInFlight: observableGauge({
      name: "oms_rpc_in_flight",
      help: "Calls under way, by RPC; open watches among them.",
      labelNames: ["rpc"],
      registers,
    }),
    watchers: new Gauge({ name: "oms_watchers", help: "Open WatchOrderStatus streams.", registers }),
    commitBatchSize: new Histogram({
      name: "oms_commit_batch_size",
      help: "Requests in one group commit.",
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
      registers,
    }),
    commitDuration: new Histogram({
      name: "oms_commit_duration_seconds",
      help: "How long one group commit took.",
      buckets: SECONDS,
      registers,
    }),
    commitQueue: new Gauge({ name: "oms_commit_queue", help: "Requests that wait for a commit.", registers }),
    commitRetries: new Counter({
      name: "oms_commit_retries_total",
      help: "Group commits that were tried again, by reason (deadlock, lock-timeout, split, connection-lost).",
      labelNames: ["reason"] as const,
      registers,
    }),
    serverUp: observableGauge({
      name: "oms_server_up",
      help: "Whether a server behind this one (database, broker, redis) is in reach: 1, or 0; looked at when asked.",
      labelNames: ["server"],
      registers,
    }),
    databaseConnections: observableGauge({
      name: "oms_database_connections",
      help: "Connections of the pool, by state (in_use, idle); at most 8. The commits have theirs besides.",
      labelNames: ["state"],
      registers,
    }),
    databaseWaiting: observableGauge({
      name: "oms_database_waiting",
      help: "Who waits for a connection of the pool.",
      labelNames: [],
      registers,
    }),
    databaseErrors: observableCounter({
      name: "oms_database_errors_total",
      help: "What went wrong with the pool's connections, by kind (unreachable; busy: none was free in time; lost: one broke under a statement).",
      labelNames: ["kind"],
      registers,
    }),
    outboxRows: new Gauge({
      name: "oms_outbox_rows",
      help: "Rows in the outbox table, of all servers; published ones stay for OMS_OUTBOX_KEEP_MS, or until their Actions are done.",
      registers,
    }),
    outboxAge: observableGauge({
      name: "oms_outbox_oldest_seconds",
      help: "Age of the oldest row of the outbox table that is not marked as published; up to OMS_OUTBOX_KEEP_MS and a sweep is as it should be.",
      labelNames: [],
      registers,
    }),
    outboxDepth: new Gauge({
      name: "oms_outbox_unpublished",
      help: "Events that this server committed and the broker has not acknowledged.",
      registers,
    }),
    published: new Counter({
      name: "oms_events_published_total",
      help: "Events that the broker acknowledged.",
      registers,
    }),
    republished: new Counter({
      name: "oms_events_republished_total",
      help: "Events published again from the outbox table, by reason (start, reconnect, sweep).",
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
      help: "Attempts, by Action and result (done, retry, parked).",
      labelNames: ["action", "result"] as const,
      registers,
    }),
    brokerArrivals: new Counter({
      name: "oms_broker_arrivals_total",
      help: "How the stream came into reach: first, resumed (the link broke), restarted (the broker did), lost (what it held is gone, and is published again).",
      labelNames: ["arrival"] as const,
      registers,
    }),
    consumerPending: new Gauge({
      name: "oms_consumer_pending",
      help: "Messages of the stream that a consumer has not delivered yet, by consumer; looked at every few seconds.",
      labelNames: ["consumer"] as const,
      registers,
    }),
    consumerRepairs: new Counter({
      name: "oms_consumer_repairs_total",
      help: "Consumers of the stream put right, by reason (gone, ahead of its stream, stalled: made anew; slow: opened again); the log says which.",
      labelNames: ["reason"] as const,
      registers,
    }),
    neighbourDuration: new Histogram({
      name: "oms_neighbour_duration_seconds",
      help: "How long a neighbour took for its answer, by neighbour and result (done, retry, reject).",
      labelNames: ["neighbour", "result"] as const,
      buckets: SECONDS,
      registers,
    }),
    actionAge: observableGauge({
      name: "oms_action_oldest_seconds",
      help: "How long ago the oldest event was committed that an Action has not dealt with, parked ones left out; a timer's since it was due. 0 where none waits.",
      labelNames: ["action"],
      registers,
    }),
    actionHeld: new Gauge({
      name: "oms_action_held",
      help: "Whether a person holds an Action (oms pause): 1, or 0.",
      labelNames: ["action"] as const,
      registers,
    }),
    actionOpen: new Gauge({
      name: "oms_action_open",
      help: "Ledger entries that are not done, by Action and state (pending, retrying, parked); counted every few seconds.",
      labelNames: ["action", "state"] as const,
      registers,
    }),
    rpcRefused: new Counter({
      name: "oms_rpc_refused_total",
      help: "gRPC calls refused unread, as too many were under way; they are in no other figure.",
      labelNames: ["rpc"] as const,
      registers,
    }),
    tlsExpiry: observableGauge({
      name: "oms_tls_certificate_expiry_timestamp_seconds",
      help: "When the ports' certificate expires; not there where the ports speak in the clear.",
      labelNames: [],
      registers,
    }),
    connectionsRefused: new Counter({
      name: "oms_connections_refused_total",
      help: "Connections closed at once, by port (grpc, http) and reason: as many as may be are open in all (all), or from one address (address), or that address misbehaved (barred).",
      labelNames: ["port", "reason"] as const,
      registers,
    }),
    rateLimited: new Counter({
      name: "oms_rate_limited_total",
      help: "Calls refused because their caller had used up its share, by caller and limit (rate, concurrent, watches); past 200 callers the others are `(other)`.",
      labelNames: ["caller", "limit"] as const,
      registers,
    }),
    legacyCalls: new Counter({
      name: "oms_legacy_calls_total",
      help: "Calls by an address of the old system, by its method, caller, protocol (http, soap) and result (answered; refused: the caller's fault; failed: ours).",
      labelNames: ["method", "caller", "protocol", "result"] as const,
      registers,
    }),
    requestLogDropped: new Counter({
      name: "oms_request_log_dropped_total",
      help: "Rows of the request log given up because the database was away for too long.",
      registers,
    }),
    shadowCompares: new Counter({
      name: "oms_shadow_compares_total",
      help: "Answers at old addresses held against the old system's, by old method and result (same, different, failed, skipped).",
      labelNames: ["method", "result"] as const,
      registers,
    }),
    shadowDifferences: new Counter({
      name: "oms_shadow_differences_total",
      help: "What those answers did not have in common, by old method and field; past 200 fields the others are `(other)`.",
      labelNames: ["method", "field"] as const,
      registers,
    }),
    buildInfo: observableGauge({
      name: "oms_build_info",
      help: "Which version runs, on which Node, in which role: 1.",
      labelNames: ["version", "node", "role"],
      registers,
    }),
    loopActive: observableCounter({
      name: "oms_event_loop_active_seconds_total",
      help: "How long the event loop was at work: its rate is how busy this process is, 1 being all that it can.",
      labelNames: [],
      registers,
    }),
    upkeepDeleted: new Counter({
      name: "oms_upkeep_deleted_rows_total",
      help: "Rows that were kept for long enough, by table (history, ledger, request, request_log).",
      labelNames: ["table"] as const,
      registers,
    }),
    upkeepStep: new Histogram({
      name: "oms_upkeep_step_seconds",
      help: "How long the upkeep was at the database without a rest: a page read, or a batch deleted.",
      buckets: SECONDS,
      registers,
    }),
    upkeepPass: new Gauge({
      name: "oms_upkeep_last_pass_timestamp_seconds",
      help: "When this server last went through all that may be too old; 0 where another server does, or nobody.",
      registers,
    }),
  };
}
