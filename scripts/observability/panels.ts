/** A panel of the dashboard. */
export interface Panel {
  readonly title: string;
  /** What the panel shows, and how to read it. */
  readonly description: string;
  /** Grafana's unit id. */
  readonly unit: string;
  /** PromQL and legend of each series. */
  readonly queries: readonly (readonly [expr: string, legend: string])[];
  /** Default: lines over time. */
  readonly kind?: "lines" | "stat";
  /** For a stat: red at or above this value. */
  readonly red?: number;
  /** For a stat: red below this value. */
  readonly redBelow?: number;
}

/** A row of the dashboard. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Codes of server errors. */
const SERVER_ERRORS = 'code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED"';
const STEPS = 'action=~"approve|split|allocate|dispatch"';
const JOB = 'job="$job"';
const SELECTED = `${JOB},rpc=~"$rpc",caller=~"$caller"`;

const perSecond = (selector: string) => `rate(${selector}[$__rate_interval])`;
const quantile = (q: number, by: string, metric: string, matchers: string) =>
  `histogram_quantile(${q}, sum by (${by}, le) (${perSecond(`${metric}_bucket{${matchers}}`)}))`;

/**
 * The dashboard, in the order in which to look at it. Counts of the ledger and the outbox are of
 * all servers and exposed by one of them, by two for a moment when that one changes: use max, not
 * sum.
 */
export const ROWS: readonly Row[] = [
  {
    title: "Health",
    panels: [
      {
        title: "Processes up",
        description: "Service processes reachable by Prometheus. Alert: ServiceDown.",
        unit: "none",
        kind: "stat",
        redBelow: 1,
        queries: [[`sum(up{${JOB}})`, "up"]],
      },
      {
        title: "Backends reachable",
        description:
          "1: reachable by every process. Nothing is committed without the database; broker and Redis may be unavailable for a while.",
        unit: "bool_yes_no",
        kind: "stat",
        redBelow: 1,
        queries: [[`min by (backend) (oms_backend_up{${JOB}})`, "{{backend}}"]],
      },
      {
        title: "Error rate",
        description: "Share of calls with server errors. Alert above 1 %: CallsFailing.",
        unit: "percentunit",
        kind: "stat",
        red: 0.01,
        queries: [
          [
            `(sum(${perSecond(`oms_rpc_duration_seconds_count{${JOB},${SERVER_ERRORS}}`)}) or vector(0)) / sum(${perSecond(`oms_rpc_duration_seconds_count{${JOB}}`)})`,
            "errors",
          ],
        ],
      },
      {
        title: "UpdateOrderStatus, p99",
        description: "99th percentile of the duration, commit included.",
        unit: "s",
        kind: "stat",
        red: 0.5,
        queries: [[quantile(0.99, "job", "oms_rpc_duration_seconds", `${JOB},rpc="UpdateOrderStatus"`), "p99"]],
      },
      {
        title: "Parked",
        description: "Parked events of all Actions; each waits for an operator: npx oms actions.",
        unit: "short",
        kind: "stat",
        red: 1,
        queries: [[`sum(max by (action) (oms_action_open{${JOB},state="parked"}))`, "parked"]],
      },
      {
        title: "Oldest unfinished event",
        description:
          "Age of the oldest event that waits for one of its Actions. Back-off takes minutes; more means an external system is down.",
        unit: "s",
        kind: "stat",
        red: 1800,
        queries: [[`max(oms_action_oldest_seconds{${JOB}})`, "oldest"]],
      },
      {
        title: "Oldest in the outbox",
        description:
          "Age of the oldest event not marked as published. Up to three minutes is normal. Alert above ten: EventsUnpublished.",
        unit: "s",
        kind: "stat",
        red: 600,
        queries: [[`max(oms_outbox_oldest_seconds{${JOB}})`, "oldest"]],
      },
    ],
  },
  {
    title: "RPCs",
    panels: [
      {
        title: "Calls by RPC",
        description: "Finished calls of the RPCs and callers selected above.",
        unit: "reqps",
        queries: [[`sum by (rpc) (${perSecond(`oms_rpc_calls_total{${SELECTED}}`)})`, "{{rpc}}"]],
      },
      {
        title: "Calls by caller",
        description: "Finished calls by caller. Callers beyond the first 50 are shown as (other).",
        unit: "reqps",
        queries: [[`sum by (caller) (${perSecond(`oms_rpc_calls_total{${SELECTED}}`)})`, "{{caller}}"]],
      },
      {
        title: "Errors by code",
        description:
          "INTERNAL is a bug; UNAVAILABLE and DEADLINE_EXCEEDED indicate the database; all others are client errors.",
        unit: "reqps",
        queries: [[`sum by (code) (${perSecond(`oms_rpc_calls_total{${SELECTED},code!="OK"}`)})`, "{{code}}"]],
      },
      {
        title: "Errors by caller",
        description: "A single caller: look at that caller first. All callers: look at the service.",
        unit: "reqps",
        queries: [
          [
            `sum by (caller, code) (${perSecond(`oms_rpc_calls_total{${SELECTED},code!="OK"}`)})`,
            "{{caller}} {{code}}",
          ],
        ],
      },
      {
        title: "Call duration, p99 by RPC",
        description: "All callers, without watches.",
        unit: "s",
        queries: [
          [quantile(0.99, "rpc", "oms_rpc_duration_seconds", `${JOB},rpc=~"$rpc",rpc!="WatchOrderStatus"`), "{{rpc}}"],
        ],
      },
      {
        title: "Call duration, p50 by RPC",
        description: "All callers, without watches.",
        unit: "s",
        queries: [
          [quantile(0.5, "rpc", "oms_rpc_duration_seconds", `${JOB},rpc=~"$rpc",rpc!="WatchOrderStatus"`), "{{rpc}}"],
        ],
      },
      {
        title: "Call duration, mean by caller",
        description: "Whether calls are slow for all callers, or for one with large requests.",
        unit: "s",
        queries: [
          [
            `sum by (caller) (${perSecond(`oms_rpc_caller_seconds_total{${SELECTED},rpc!="WatchOrderStatus"}`)}) / sum by (caller) (${perSecond(`oms_rpc_calls_total{${SELECTED},rpc!="WatchOrderStatus"}`)})`,
            "{{caller}}",
          ],
        ],
      },
      {
        title: "Calls in flight",
        description: "Limit per process: 2,048; further calls are rejected.",
        unit: "short",
        queries: [
          [`sum by (rpc) (oms_rpc_in_flight{${JOB},rpc=~"$rpc",rpc!="WatchOrderStatus"})`, "{{rpc}}"],
          [`sum(oms_watchers{${JOB}})`, "open watches"],
        ],
      },
      {
        title: "Rejected",
        description:
          "Calls rejected unread because of overload, calls over their caller's limit (OMS_RATE_LIMITS), and unauthenticated ones over their address's (OMS_UNAUTHENTICATED_PER_SECOND).",
        unit: "reqps",
        queries: [
          [`sum(${perSecond(`oms_rpc_refused_total{${JOB}}`)})`, "overload"],
          [`sum by (caller, limit) (${perSecond(`oms_rate_limited_total{${JOB}}`)})`, "{{caller}}: {{limit}}"],
          [`sum by (kind) (${perSecond(`oms_address_rate_limited_total{${JOB}}`)})`, "unauthenticated: {{kind}}"],
        ],
      },
    ],
  },
  {
    title: "Commit",
    panels: [
      {
        title: "Requests and commits",
        description: "Committed requests, and the group commits they share.",
        unit: "ops",
        queries: [
          [`sum(${perSecond(`oms_commit_batch_size_sum{${JOB}}`)})`, "requests"],
          [`sum(${perSecond(`oms_commit_batch_size_count{${JOB}}`)})`, "commits"],
        ],
      },
      {
        title: "Group commit size",
        description: "Requests per group commit: grows with the load, up to 256.",
        unit: "short",
        queries: [
          [
            `sum(${perSecond(`oms_commit_batch_size_sum{${JOB}}`)}) / sum(${perSecond(`oms_commit_batch_size_count{${JOB}}`)})`,
            "mean",
          ],
          [quantile(0.99, "job", "oms_commit_batch_size", JOB), "p99"],
        ],
      },
      {
        title: "Commit duration",
        description: "Duration of a group commit: the database's disk and locks.",
        unit: "s",
        queries: [
          [quantile(0.5, "job", "oms_commit_duration_seconds", JOB), "p50"],
          [quantile(0.99, "job", "oms_commit_duration_seconds", JOB), "p99"],
        ],
      },
      {
        title: "Commit queue",
        description:
          "Requests waiting for a commit. Limit per process: 4,096; further requests are rejected. Some hundreds under full load only.",
        unit: "short",
        queries: [[`sum by (instance) (oms_commit_queue{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "Commit retries",
        description:
          "Caused by locks of other systems (deadlock, lock-timeout, split) or broken connections (connection-lost).",
        unit: "ops",
        queries: [[`sum by (reason) (${perSecond(`oms_commit_retries_total{${JOB}}`)})`, "{{reason}}"]],
      },
      {
        title: "Database connections",
        description:
          "Connections of the pool, up to OMS_MYSQL_CONNECTIONS per process; commit connections are not included. Alert on waiting requests: DatabasePoolExhausted.",
        unit: "short",
        queries: [
          [`sum by (state) (oms_database_connections{${JOB}})`, "{{state}}"],
          [`sum(oms_database_waiting{${JOB}})`, "waiting"],
        ],
      },
      {
        title: "Database connection errors",
        description:
          "unreachable: no connection could be made; busy: none became free within 5 s; lost: broke during a statement.",
        unit: "ops",
        queries: [[`sum by (kind) (${perSecond(`oms_database_errors_total{${JOB}}`)})`, "{{kind}}"]],
      },
    ],
  },
  {
    title: "Events",
    panels: [
      {
        title: "Published",
        description: "Events acknowledged by the broker, and events republished from the outbox table, by reason.",
        unit: "ops",
        queries: [
          [`sum(${perSecond(`oms_events_published_total{${JOB}}`)})`, "published"],
          [`sum by (reason) (${perSecond(`oms_events_republished_total{${JOB}}`)})`, "republished: {{reason}}"],
        ],
      },
      {
        title: "Unpublished in memory",
        description:
          "Committed and not yet acknowledged. Grows to 20,000 while the broker is unavailable; further events stay in the table only.",
        unit: "short",
        queries: [[`sum by (instance) (oms_outbox_unpublished{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "Rows in the outbox table",
        description:
          "Estimated by the database. Events published in the last minutes, and events that parked Actions need.",
        unit: "short",
        queries: [[`max(oms_outbox_rows{${JOB}})`, "rows"]],
      },
      {
        title: "Oldest in the outbox",
        description:
          "Age of the oldest row not marked as published. Up to OMS_OUTBOX_RETENTION_MS plus one sweep is normal.",
        unit: "s",
        queries: [[`max(oms_outbox_oldest_seconds{${JOB}})`, "oldest"]],
      },
      {
        title: "Undelivered, by consumer",
        description:
          "Messages the broker holds for an Action. If a series only grows, its consumer stalls or its Action is slower than the changes.",
        unit: "short",
        queries: [[`max by (consumer) (oms_consumer_pending{${JOB}}) > 0`, "{{consumer}}"]],
      },
      {
        title: "Connection events and repairs",
        description: "Reconnections, lost streams, and consumers that were reopened or recreated.",
        unit: "short",
        queries: [
          [
            `sum by (event) (increase(oms_broker_connection_events_total{${JOB},event!="first"}[$__rate_interval]))`,
            "stream {{event}}",
          ],
          [`sum by (reason) (increase(oms_consumer_repairs_total{${JOB}}[$__rate_interval]))`, "consumer {{reason}}"],
        ],
      },
    ],
  },
  {
    title: "Actions",
    panels: [
      {
        title: "Done",
        description: "Effects per second, by Action.",
        unit: "ops",
        queries: [[`sum by (action) (${perSecond(`oms_action_attempts_total{${JOB},result="done"}`)})`, "{{action}}"]],
      },
      {
        title: "Unsuccessful attempts",
        description:
          "retry: failed, will be retried; waiting: an earlier condition is not met; parked: needs an operator.",
        unit: "ops",
        queries: [
          [
            `sum by (action, result) (${perSecond(`oms_action_attempts_total{${JOB},result!="done"}`)})`,
            "{{action}} {{result}}",
          ],
        ],
      },
      {
        title: "From commit to effect, p99",
        description: "Milliseconds if delivered by the broker; 30 s and more if run from the ledger.",
        unit: "s",
        queries: [[quantile(0.99, "action", "oms_action_lag_seconds", JOB), "{{action}}"]],
      },
      {
        title: "Waiting",
        description: "Pending and retrying events, without timers.",
        unit: "short",
        queries: [
          [
            `sum by (action) (max by (action, state) (oms_action_open{${JOB},state!="parked",action!~"payment-timeout|cancel-time-limit"}))`,
            "{{action}}",
          ],
        ],
      },
      {
        title: "Oldest waiting",
        description: "Age of the oldest unfinished event; for timers, time since the oldest was due.",
        unit: "s",
        queries: [[`max by (action) (oms_action_oldest_seconds{${JOB}})`, "{{action}}"]],
      },
      {
        title: "Parked",
        description: "Events that wait for an operator: npx oms parked ACTION lists them with their errors.",
        unit: "short",
        queries: [[`max by (action) (oms_action_open{${JOB},state="parked"}) > 0`, "{{action}}"]],
      },
      {
        title: "Paused",
        description: "npx oms actions shows by whom and why; npx oms resume ACTION resumes it.",
        unit: "bool_yes_no",
        queries: [[`max by (action) (oms_action_paused{${JOB}}) > 0`, "{{action}}"]],
      },
      {
        title: "External systems: results",
        description: "retry: no answer or temporarily unavailable; reject: permanent rejection.",
        unit: "reqps",
        queries: [
          [
            `sum by (system, result) (${perSecond(`oms_external_request_duration_seconds_count{${JOB}}`)})`,
            "{{system}} {{result}}",
          ],
        ],
      },
      {
        title: "External systems: response time, p95",
        description: "A system that hangs takes OMS_EXTERNAL_TIMEOUT_MS.",
        unit: "s",
        queries: [[quantile(0.95, "system", "oms_external_request_duration_seconds", JOB), "{{system}}"]],
      },
    ],
  },
  {
    title: "Flows",
    panels: [
      {
        title: "Orders at each step",
        description: "Pending steps by state, including those waiting for stock.",
        unit: "short",
        queries: [
          [
            `sum by (action, state) (max by (action, state) (oms_action_open{${JOB},${STEPS}}))`,
            "{{action}} {{state}}",
          ],
        ],
      },
      {
        title: "Oldest order at each step",
        description: "Age of the oldest pending step: allocate waits for stock, dispatch for the WMS.",
        unit: "s",
        queries: [[`max by (action) (oms_action_oldest_seconds{${JOB},${STEPS}})`, "{{action}}"]],
      },
      {
        title: "Steps done",
        description: "Completed steps per second.",
        unit: "ops",
        queries: [
          [`sum by (action) (${perSecond(`oms_action_attempts_total{${JOB},${STEPS},result="done"}`)})`, "{{action}}"],
        ],
      },
      {
        title: "Timers",
        description: "payment-timeout: orders of the last half hour; cancel-time-limit: cancels waiting for the WMS.",
        unit: "short",
        queries: [
          [
            `max by (action) (oms_action_open{${JOB},action=~"payment-timeout|cancel-time-limit",state="pending"})`,
            "{{action}}",
          ],
        ],
      },
    ],
  },
  {
    title: "Legacy endpoints and shadow comparison",
    panels: [
      {
        title: "Calls by legacy method",
        description: "Callers that have not migrated. A method without calls for weeks can be removed.",
        unit: "reqps",
        queries: [[`sum by (method) (${perSecond(`oms_legacy_calls_total{${JOB}}`)}) > 0`, "{{method}}"]],
      },
      {
        title: "Calls by legacy caller",
        description: "Names from OMS_LEGACY_CALLERS.",
        unit: "reqps",
        queries: [
          [`sum by (caller, protocol) (${perSecond(`oms_legacy_calls_total{${JOB}}`)}) > 0`, "{{caller}} {{protocol}}"],
        ],
      },
      {
        title: "Errors of legacy calls",
        description: "refused: client error; failed: server error.",
        unit: "reqps",
        queries: [
          [
            `sum by (method, result) (${perSecond(`oms_legacy_calls_total{${JOB},result!="answered"}`)})`,
            "{{method}} {{result}}",
          ],
        ],
      },
      {
        title: "Shadow comparisons",
        description: "same, different, failed (the legacy system did not answer), skipped (too many at once).",
        unit: "reqps",
        queries: [[`sum by (result) (${perSecond(`oms_shadow_comparisons_total{${JOB}}`)})`, "{{result}}"]],
      },
      {
        title: "Differences by field",
        description: "npx oms shadow lists them with their values.",
        unit: "ops",
        queries: [
          [`sum by (method, field) (${perSecond(`oms_shadow_differences_total{${JOB}}`)})`, "{{method}} {{field}}"],
        ],
      },
    ],
  },
  {
    title: "Process",
    panels: [
      {
        title: "Event loop utilization",
        description: "By process. 1 is the limit of a process: start another one before.",
        unit: "percentunit",
        queries: [[perSecond(`oms_event_loop_active_seconds_total{${JOB}}`), "{{instance}} {{process}}"]],
      },
      {
        title: "Processes",
        description:
          "Processes that serve, OMS_PROCESSES per server, and those that exited and were replaced. Alert: ProcessRestarted.",
        unit: "short",
        queries: [
          [`sum by (instance) (oms_processes{${JOB}})`, "{{instance}}"],
          [
            `sum by (instance) (increase(oms_process_restarts_total{${JOB}}[$__rate_interval]))`,
            "{{instance}} replaced",
          ],
        ],
      },
      {
        title: "Event loop delay, p99",
        description: "Delay of timers, which every call experiences.",
        unit: "s",
        queries: [[`max by (instance) (oms_nodejs_eventloop_lag_p99_seconds{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "Event loop delay, maximum",
        description:
          "The longest time between two scrapes for which something held the event loop. Alert above 0.5 s: EventLoopBlocked.",
        unit: "s",
        queries: [[`max by (instance) (oms_nodejs_eventloop_lag_max_seconds{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "CPU",
        description: "Cores in use, including garbage collection and library threads.",
        unit: "short",
        queries: [[`sum by (instance) (${perSecond(`oms_process_cpu_seconds_total{${JOB}}`)})`, "{{instance}}"]],
      },
      {
        title: "Memory",
        description: "Resident memory and heap in use. A heap that grows from day to day is a leak.",
        unit: "bytes",
        queries: [
          [`sum by (instance) (oms_process_resident_memory_bytes{${JOB}})`, "{{instance}} resident"],
          [`sum by (instance) (oms_nodejs_heap_size_used_bytes{${JOB}})`, "{{instance}} heap"],
        ],
      },
      {
        title: "Garbage collection",
        description: "Share of time spent in garbage collection.",
        unit: "percentunit",
        queries: [
          [
            `sum by (instance, kind) (${perSecond(`oms_nodejs_gc_duration_seconds_sum{${JOB}}`)})`,
            "{{instance}} {{kind}}",
          ],
        ],
      },
      {
        title: "File descriptors",
        description: "Open file descriptors, connections included, as a share of the limit.",
        unit: "percentunit",
        queries: [[`max by (instance) (oms_process_open_fds{${JOB}} / oms_process_max_fds{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "Uptime",
        description: "By version and role. Two versions at once: a deployment is in progress.",
        unit: "s",
        queries: [
          [
            `(time() - oms_process_start_time_seconds{${JOB}}) * on (instance) group_left (version, role) oms_build_info{${JOB}}`,
            "{{instance}} {{role}} {{version}}",
          ],
        ],
      },
      {
        title: "Request log: dropped rows",
        description: "The request log has gaps where the database was unavailable for too long.",
        unit: "short",
        queries: [[`sum(increase(oms_request_log_dropped_total{${JOB}}[$__rate_interval]))`, "rows"]],
      },
      {
        title: "Rows deleted by retention",
        description: "Where OMS_HISTORY_RETENTION_DAYS or OMS_REQUEST_LOG_RETENTION_DAYS is set.",
        unit: "ops",
        queries: [[`sum by (table) (${perSecond(`oms_retention_deleted_rows_total{${JOB}}`)})`, "{{table}}"]],
      },
      {
        title: "Certificate expiry",
        description: "Time until the listeners' certificate expires. Alert below two weeks: CertificateExpiring.",
        unit: "s",
        queries: [[`min(oms_tls_certificate_expiry_timestamp_seconds{${JOB}} - time())`, "left"]],
      },
      {
        title: "Revocation list expiry",
        description:
          "Time until the first revocation list for client certificates expires. Alert below six hours: RevocationListExpiring.",
        unit: "s",
        queries: [[`min(oms_tls_client_crl_expiry_timestamp_seconds{${JOB}} - time())`, "left"]],
      },
      {
        title: "Ignored JSON fields",
        description:
          "Unknown fields in JSON requests, by RPC and field, with OMS_JSON_UNKNOWN_FIELDS=ignore. None for a week: set it to reject.",
        unit: "reqps",
        queries: [
          [`sum by (rpc, field) (${perSecond(`oms_json_unknown_fields_total{${JOB}}`)})`, "{{rpc}}: {{field}}"],
        ],
      },
    ],
  },
];
