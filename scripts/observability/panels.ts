/** A panel of the dashboard. */
export interface Panel {
  readonly title: string;
  /** What it shows, and what to make of it. */
  readonly description: string;
  /** Grafana's name of it. */
  readonly unit: string;
  /** PromQL, and what a line is called. */
  readonly queries: readonly (readonly [expr: string, legend: string])[];
  /** Lines over time, unless told. */
  readonly kind?: "lines" | "figure";
  /** For a figure: red from here on; below it where `redBelow` says so. */
  readonly red?: number;
  readonly redBelow?: number;
}

/** Rows of the dashboard, in the order in which a person on call looks at them. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Calls that failed through no fault of the caller. */
const OURS = 'code=~"INTERNAL|UNKNOWN|UNAVAILABLE|DEADLINE_EXCEEDED"';
const STEPS = 'action=~"approve|split|allocate|dispatch"';
const JOB = 'job="$job"';
const PICKED = `${JOB},rpc=~"$rpc",caller=~"$caller"`;

const perSecond = (selector: string) => `rate(${selector}[$__rate_interval])`;
const quantile = (q: number, by: string, metric: string, matchers: string) =>
  `histogram_quantile(${q}, sum by (${by}, le) (${perSecond(`${metric}_bucket{${matchers}}`)}))`;

/** Everything on the dashboard. Counts of the ledger and the outbox are the same on every server: the greatest is taken, not the sum. */
export const ROWS: readonly Row[] = [
  {
    title: "Is it well?",
    panels: [
      {
        title: "Processes up",
        description: "Service processes that Prometheus reaches. Fewer than you run: ServiceDown.",
        unit: "none",
        kind: "figure",
        redBelow: 1,
        queries: [[`sum(up{${JOB}})`, "up"]],
      },
      {
        title: "Servers in reach",
        description:
          "1: every process reaches it. Without the database nothing is committed; broker and Redis may be away for a while.",
        unit: "bool_yes_no",
        kind: "figure",
        redBelow: 1,
        queries: [[`min by (backend) (oms_backend_up{${JOB}})`, "{{backend}}"]],
      },
      {
        title: "Failing calls",
        description: "Share of the calls that failed through our fault. More than 1 %: CallsFail.",
        unit: "percentunit",
        kind: "figure",
        red: 0.01,
        queries: [
          [
            `(sum(${perSecond(`oms_rpc_duration_seconds_count{${JOB},${OURS}}`)}) or vector(0)) / sum(${perSecond(`oms_rpc_duration_seconds_count{${JOB}}`)})`,
            "failing",
          ],
        ],
      },
      {
        title: "Reports, p99",
        description: "99 of 100 UpdateOrderStatus are answered within this time, commit included.",
        unit: "s",
        kind: "figure",
        red: 0.5,
        queries: [[quantile(0.99, "job", "oms_rpc_duration_seconds", `${JOB},rpc="UpdateOrderStatus"`), "p99"]],
      },
      {
        title: "Parked",
        description: "Events that Actions gave up; each waits for a person: npx oms actions.",
        unit: "short",
        kind: "figure",
        red: 1,
        queries: [[`sum(max by (action) (oms_action_open{${JOB},state="parked"}))`, "parked"]],
      },
      {
        title: "Oldest undone",
        description:
          "How long the oldest event waits for one of its Actions. Back-off takes minutes; more is a neighbour that is away.",
        unit: "s",
        kind: "figure",
        red: 1800,
        queries: [[`max(oms_action_oldest_seconds{${JOB}})`, "oldest"]],
      },
      {
        title: "Oldest in the outbox",
        description:
          "Age of the oldest event that is not marked as published. Three minutes are as it should be; ten: EventsUnpublished.",
        unit: "s",
        kind: "figure",
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
        description: "Calls that ended, of the RPCs and callers picked above.",
        unit: "reqps",
        queries: [[`sum by (rpc) (${perSecond(`oms_rpc_calls_total{${PICKED}}`)})`, "{{rpc}}"]],
      },
      {
        title: "Calls by caller",
        description: "Who calls how much. Past 50 callers the others are one.",
        unit: "reqps",
        queries: [[`sum by (caller) (${perSecond(`oms_rpc_calls_total{${PICKED}}`)})`, "{{caller}}"]],
      },
      {
        title: "Failures by code",
        description:
          "INTERNAL is a bug; UNAVAILABLE and DEADLINE_EXCEEDED point at the database; the rest is the callers' business.",
        unit: "reqps",
        queries: [[`sum by (code) (${perSecond(`oms_rpc_calls_total{${PICKED},code!="OK"}`)})`, "{{code}}"]],
      },
      {
        title: "Failures by caller",
        description: "One caller alone: look there first. All at once: look here.",
        unit: "reqps",
        queries: [
          [`sum by (caller, code) (${perSecond(`oms_rpc_calls_total{${PICKED},code!="OK"}`)})`, "{{caller}} {{code}}"],
        ],
      },
      {
        title: "Time of a call, p99 by RPC",
        description: "All callers together; watches are left out, as they last.",
        unit: "s",
        queries: [
          [quantile(0.99, "rpc", "oms_rpc_duration_seconds", `${JOB},rpc=~"$rpc",rpc!="WatchOrderStatus"`), "{{rpc}}"],
        ],
      },
      {
        title: "Time of a call, p50 by RPC",
        description: "What most callers see.",
        unit: "s",
        queries: [
          [quantile(0.5, "rpc", "oms_rpc_duration_seconds", `${JOB},rpc=~"$rpc",rpc!="WatchOrderStatus"`), "{{rpc}}"],
        ],
      },
      {
        title: "Time of a call, mean by caller",
        description: "Whether it is slow for everybody, or for one who asks for much at a time.",
        unit: "s",
        queries: [
          [
            `sum by (caller) (${perSecond(`oms_rpc_caller_seconds_total{${PICKED},rpc!="WatchOrderStatus"}`)}) / sum by (caller) (${perSecond(`oms_rpc_calls_total{${PICKED},rpc!="WatchOrderStatus"}`)})`,
            "{{caller}}",
          ],
        ],
      },
      {
        title: "Calls under way",
        description: "A process takes 2,048 and refuses what comes on top.",
        unit: "short",
        queries: [
          [`sum by (rpc) (oms_rpc_in_flight{${JOB},rpc=~"$rpc",rpc!="WatchOrderStatus"})`, "{{rpc}}"],
          [`sum(oms_watchers{${JOB}})`, "open watches"],
        ],
      },
      {
        title: "Refused",
        description: "Unread, as too much was under way; and by a caller's own limit (OMS_RATE_LIMITS).",
        unit: "reqps",
        queries: [
          [`sum(${perSecond(`oms_rpc_refused_total{${JOB}}`)})`, "unread"],
          [`sum by (caller, limit) (${perSecond(`oms_rate_limited_total{${JOB}}`)})`, "{{caller}}: {{limit}}"],
        ],
      },
    ],
  },
  {
    title: "Commit",
    panels: [
      {
        title: "Changes and commits",
        description: "Requests that were committed, and the group commits that they shared.",
        unit: "ops",
        queries: [
          [`sum(${perSecond(`oms_commit_batch_size_sum{${JOB}}`)})`, "requests"],
          [`sum(${perSecond(`oms_commit_batch_size_count{${JOB}}`)})`, "commits"],
        ],
      },
      {
        title: "Size of a group",
        description: "Requests in one commit: it grows with the load, up to 256.",
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
        title: "Time of a commit",
        description:
          "One group commit, from its first statement to the database's answer: what the database's disk and locks take.",
        unit: "s",
        queries: [
          [quantile(0.5, "job", "oms_commit_duration_seconds", JOB), "p50"],
          [quantile(0.99, "job", "oms_commit_duration_seconds", JOB), "p99"],
        ],
      },
      {
        title: "Requests that wait for a commit",
        description:
          "Up to 4,096 in a process; beyond it they are refused. It stands at some hundreds under full load only.",
        unit: "short",
        queries: [[`sum by (instance) (oms_commit_queue{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "Commits tried again",
        description:
          "Other systems hold locks (deadlock, lock-timeout, split), or connections break (connection-lost).",
        unit: "ops",
        queries: [[`sum by (reason) (${perSecond(`oms_commit_retries_total{${JOB}}`)})`, "{{reason}}"]],
      },
      {
        title: "Connections to the database",
        description:
          "Of the pool, 8 in a process; those of the commits come on top. Waiting: DatabaseConnectionsShort.",
        unit: "short",
        queries: [
          [`sum by (state) (oms_database_connections{${JOB}})`, "{{state}}"],
          [`sum(oms_database_waiting{${JOB}})`, "waiting"],
        ],
      },
      {
        title: "Trouble with connections",
        description:
          "None could be made (unreachable), none was free within 5 s (busy), one broke under a statement (lost).",
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
        description: "Events that the broker acknowledged; and those published again from the outbox table, by reason.",
        unit: "ops",
        queries: [
          [`sum(${perSecond(`oms_events_published_total{${JOB}}`)})`, "published"],
          [`sum by (reason) (${perSecond(`oms_events_republished_total{${JOB}}`)})`, "again: {{reason}}"],
        ],
      },
      {
        title: "Unpublished in memory",
        description:
          "Committed here, and not yet acknowledged. It grows while the broker is away, up to 20,000; the rest is in the table.",
        unit: "short",
        queries: [[`sum by (instance) (oms_outbox_unpublished{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "Rows in the outbox table",
        description:
          "About, by the database's own estimate. What was published in the last minutes, and what parked Actions need.",
        unit: "short",
        queries: [[`max(oms_outbox_rows{${JOB}})`, "rows"]],
      },
      {
        title: "Oldest in the outbox",
        description:
          "Age of the oldest row not marked as published; up to OMS_OUTBOX_RETENTION_MS and a sweep is as it should be.",
        unit: "s",
        queries: [[`max(oms_outbox_oldest_seconds{${JOB}})`, "oldest"]],
      },
      {
        title: "Undelivered, by consumer",
        description:
          "Messages that the broker holds for an Action. One that only grows stands still, or its Action is slower than the changes.",
        unit: "short",
        queries: [[`max by (consumer) (oms_consumer_pending{${JOB}}) > 0`, "{{consumer}}"]],
      },
      {
        title: "Broker and consumers, mended",
        description: "Links that came back, streams that were lost, consumers that were opened again or made anew.",
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
        description: "Effects a second, by Action.",
        unit: "ops",
        queries: [[`sum by (action) (${perSecond(`oms_action_attempts_total{${JOB},result="done"}`)})`, "{{action}}"]],
      },
      {
        title: "Attempts that came to nothing",
        description: "retry: it failed and is tried again; waiting: somebody else has to move first; parked: given up.",
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
        description:
          "Milliseconds by the fast road; 30 s and more: the broker did not bring it, and it ran from the ledger.",
        unit: "s",
        queries: [[quantile(0.99, "action", "oms_action_lag_seconds", JOB), "{{action}}"]],
      },
      {
        title: "Waiting",
        description: "Events not tried yet or to be tried again; timers are left out.",
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
        description:
          "Since the oldest event was committed that the Action has not dealt with; a timer's since it was due.",
        unit: "s",
        queries: [[`max by (action) (oms_action_oldest_seconds{${JOB}})`, "{{action}}"]],
      },
      {
        title: "Parked",
        description: "Given up, and waiting for a person: npx oms parked ACTION says what and why.",
        unit: "short",
        queries: [[`max by (action) (oms_action_open{${JOB},state="parked"}) > 0`, "{{action}}"]],
      },
      {
        title: "Held by a person",
        description: "npx oms actions says by whom and why; npx oms resume ACTION lets it go on.",
        unit: "bool_yes_no",
        queries: [[`max by (action) (oms_action_paused{${JOB}}) > 0`, "{{action}}"]],
      },
      {
        title: "Neighbours: answers",
        description: "retry: no answer, or one that says not now; reject: refused for good.",
        unit: "reqps",
        queries: [
          [
            `sum by (system, result) (${perSecond(`oms_external_request_duration_seconds_count{${JOB}}`)})`,
            "{{system}} {{result}}",
          ],
        ],
      },
      {
        title: "Neighbours: time of an answer, p95",
        description: "A neighbour that hangs takes OMS_EXTERNAL_TIMEOUT_MS.",
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
        description: "Steps to be done, those that wait for stock among them; from the ledger, at no cost of its own.",
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
        description: "How long the first in line waits: at allocate for stock, at dispatch for the WMS.",
        unit: "s",
        queries: [[`max by (action) (oms_action_oldest_seconds{${JOB},${STEPS}})`, "{{action}}"]],
      },
      {
        title: "Steps done",
        description: "Orders a second that went one state further by themselves.",
        unit: "ops",
        queries: [
          [`sum by (action) (${perSecond(`oms_action_attempts_total{${JOB},${STEPS},result="done"}`)})`, "{{action}}"],
        ],
      },
      {
        title: "Timers",
        description:
          "payment-timeout: orders of the last half hour whose payment is still looked after (a paid one's goes with its time); cancel-time-limit: cancels that the WMS was asked about.",
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
    title: "Old addresses and shadow",
    panels: [
      {
        title: "Calls by old method",
        description: "Who has not moved yet. A method at 0 for weeks can be closed.",
        unit: "reqps",
        queries: [[`sum by (method) (${perSecond(`oms_legacy_calls_total{${JOB}}`)}) > 0`, "{{method}}"]],
      },
      {
        title: "Calls by old caller",
        description: "By the names of OMS_LEGACY_CALLERS.",
        unit: "reqps",
        queries: [
          [`sum by (caller, protocol) (${perSecond(`oms_legacy_calls_total{${JOB}}`)}) > 0`, "{{caller}} {{protocol}}"],
        ],
      },
      {
        title: "Refused and failed at old addresses",
        description: "refused: the caller's fault; failed: ours.",
        unit: "reqps",
        queries: [
          [
            `sum by (method, result) (${perSecond(`oms_legacy_calls_total{${JOB},result!="answered"}`)})`,
            "{{method}} {{result}}",
          ],
        ],
      },
      {
        title: "Compared with the old system",
        description: "Shadow compare: same, different, failed (it gave no answer), skipped (too many at once).",
        unit: "reqps",
        queries: [[`sum by (result) (${perSecond(`oms_shadow_comparisons_total{${JOB}}`)})`, "{{result}}"]],
      },
      {
        title: "Differences by field",
        description: "npx oms shadow shows them with their values.",
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
        title: "Event loop at work",
        description: "1 is all that a process can: start another one before.",
        unit: "percentunit",
        queries: [[perSecond(`oms_event_loop_active_seconds_total{${JOB}}`), "{{instance}}"]],
      },
      {
        title: "Event loop delay, p99",
        description: "How late timers are: what every call waits for besides its own work.",
        unit: "s",
        queries: [[`max by (instance) (oms_nodejs_eventloop_lag_p99_seconds{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "Processor time",
        description: "Cores in use: the event loop, garbage collection and the libraries' threads.",
        unit: "short",
        queries: [[`sum by (instance) (${perSecond(`oms_process_cpu_seconds_total{${JOB}}`)})`, "{{instance}}"]],
      },
      {
        title: "Memory",
        description: "Resident, and the heap in use. A heap that grows from day to day is a leak.",
        unit: "bytes",
        queries: [
          [`sum by (instance) (oms_process_resident_memory_bytes{${JOB}})`, "{{instance}} resident"],
          [`sum by (instance) (oms_nodejs_heap_size_used_bytes{${JOB}})`, "{{instance}} heap"],
        ],
      },
      {
        title: "Garbage collection",
        description: "Share of the time that the process stands still for it.",
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
        description: "Open ones, each connection among them, as a share of what the process may have.",
        unit: "percentunit",
        queries: [[`max by (instance) (oms_process_open_fds{${JOB}} / oms_process_max_fds{${JOB}})`, "{{instance}}"]],
      },
      {
        title: "Running since",
        description: "By version and role: two versions at once are a deployment under way.",
        unit: "s",
        queries: [
          [
            `(time() - oms_process_start_time_seconds{${JOB}}) * on (instance) group_left (version, role) oms_build_info{${JOB}}`,
            "{{instance}} {{role}} {{version}}",
          ],
        ],
      },
      {
        title: "Request log: rows given up",
        description: "The log of calls has gaps where the database was away for too long.",
        unit: "short",
        queries: [[`sum(increase(oms_request_log_dropped_total{${JOB}}[$__rate_interval]))`, "rows"]],
      },
      {
        title: "Old rows deleted",
        description: "By the upkeep, where OMS_HISTORY_RETENTION_DAYS or OMS_REQUEST_LOG_RETENTION_DAYS is set.",
        unit: "ops",
        queries: [[`sum by (table) (${perSecond(`oms_retention_deleted_rows_total{${JOB}}`)})`, "{{table}}"]],
      },
      {
        title: "Certificate expires in",
        description: "The ports' own; two weeks: CertificateExpires.",
        unit: "s",
        queries: [[`min(oms_tls_certificate_expiry_timestamp_seconds{${JOB}} - time())`, "left"]],
      },
    ],
  },
];
