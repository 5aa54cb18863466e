import { resolve } from "node:path";
import { z } from "zod";
import { DEFAULT_ORDER_KINDS, type OrderKinds } from "../domain/order-kinds.ts";
import { EXTERNAL_SYSTEMS, forEachSystem, type SystemName } from "../integrations/systems.ts";

/** An environment variable: its name, how its text is parsed, and its documentation. */
export interface Variable<Value> {
  readonly name: string;
  /** The name before a rename; accepted with a warning for one release. */
  readonly formerly?: string;
  /** The text that applies when the variable is not set; undefined for an optional variable. */
  readonly default?: string | number;
  /** One or two sentences for the configuration table, in Markdown. */
  readonly description: string;
  readonly schema: z.ZodType<Value, string>;
  /** Whether the text may hold a secret and must not appear in messages. */
  readonly secret?: true;
}

type Documentation<Key extends keyof Variable<unknown>> = Omit<Variable<unknown>, "name" | "schema" | "default"> &
  Pick<Required<Variable<unknown>>, Key>;

function variable<Value>(
  name: string,
  schema: z.ZodType<Value, string>,
  documentation: Documentation<"default">,
): Variable<Value> {
  return { name, schema, ...documentation };
}

function optional<Value>(
  name: string,
  schema: z.ZodType<Value, string>,
  documentation: Documentation<"description">,
): Variable<Value | undefined> {
  return { name, schema, ...documentation };
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Longest retention period in days: a century. */
const MAX_DAYS = 36_500;

function integer(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, expected)
    .transform(Number)
    .refine((value) => value >= min && value <= max, expected);
}

const port = () => integer(0, 65_535);

function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values, `one of ${values.join(", ")}`);
}

const onOff = () => choice(["on", "off"]).transform((text) => text === "on");

/** Comma-separated entries, without the space around them; none for the empty text. */
const commaSeparated = () =>
  z.string().transform((text) => (text === "" ? [] : text.split(",").map((entry) => entry.trim())));

/** @param path the paths that are accepted: any with a query, none, or those of a pattern */
function url(example: string, protocols: readonly string[], { path }: { readonly path: boolean | RegExp }) {
  const expected = `a URL like ${example}${path === false ? ", without a path" : ""}`;
  const pattern = path instanceof RegExp ? path : /^\/?$/;
  return z.string().refine((value) => {
    const parsed = URL.parse(value);
    return (
      parsed !== null &&
      protocols.includes(parsed.protocol) &&
      parsed.hostname !== "" &&
      parsed.hash === "" &&
      (path === true || (pattern.test(parsed.pathname) && parsed.search === ""))
    );
  }, expected);
}

/** An HTTP URL that paths are appended to. */
const urlWithoutQuery = (example: string) =>
  url(example, ["http:", "https:"], { path: true }).refine(
    (value) => URL.parse(value)?.search === "",
    "a URL without a query",
  );

const mysqlUrl = () =>
  url("mysql://user:password@host:3306 or mysql://user:password@host:3306/database", ["mysql:"], {
    path: /^\/?[\w$-]*$/,
  });

/** A file with the password of the user in a URL. */
function passwordFile(name: string, urlVariable: string): Variable<string | undefined> {
  return optional(name, z.string(), {
    description: `File with the password of the user in \`${urlVariable}\`, read at each connect: a new password applies without a restart. Not set: the password is in the URL.`,
  });
}

/** The URL of an external system; not set: the embedded stub system. */
function systemUrl(name: SystemName): Variable<string | undefined> {
  const { variable: variableName, description, operations } = EXTERNAL_SYSTEMS[name];
  const paths = operations.map((operation) => `\`/${operation}\``).join(" and ");
  return optional(variableName, url(`http://host:8090/${name}`, ["http:", "https:"], { path: true }), {
    description: `${description}${paths === "" ? "" : `; with ${paths} below it`}. Not set: the embedded stub system.`,
  });
}

/** The output of a schema for the JSON in the text. */
function json<Value>(schema: z.ZodType<Value>, expected: string) {
  return z.string().transform((text, context) => {
    try {
      return schema.parse(JSON.parse(text));
    } catch {
      context.addIssue({ code: "custom", message: expected });
      return z.NEVER;
    }
  });
}

const numbers = z.array(z.int().nonnegative());
const orderKinds = z
  .strictObject({
    marketplaceSources: numbers,
    enterpriseTypes: numbers,
    rechargeCardTypes: numbers,
    iqiyiRechargeTypes: numbers,
    noPaymentTimeoutSources: numbers,
    replenishmentSources: numbers,
    uncountedSubOrderTypes: numbers,
  } satisfies Record<keyof OrderKinds, typeof numbers>)
  .partial();

/** A caller's name as it may stand in a header. */
const callerName = z.string().regex(/^[\x20-\x7e]{1,64}$/);

const legacyCallers = z
  .record(
    callerName,
    z.strictObject({
      addresses: z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])).default([]),
      tokenSha256: z
        .array(
          z
            .string()
            .regex(/^[\da-f]{64}$/i)
            .toLowerCase(),
        )
        .default([]),
    }),
  )
  .transform((callers) => Object.entries(callers).map(([name, evidence]) => ({ name, ...evidence })));

const rateLimits = z
  .record(
    callerName,
    z
      .strictObject({
        perSecond: z.number().min(0.001).max(1_000_000).optional(),
        burst: z.int().min(1).max(1_000_000).optional(),
        concurrent: z.int().min(1).optional(),
        watches: z.int().min(0).optional(),
      })
      .refine(({ perSecond, burst }) => burst === undefined || perSecond !== undefined)
      .transform(({ perSecond, burst = Math.max(1, Math.ceil(perSecond ?? 1)), ...slots }) => ({
        ...slots,
        ...(perSecond !== undefined && { rate: { perSecond, burst } }),
      })),
  )
  .transform((limits) => new Map(Object.entries(limits)));

/** IP addresses and CIDR ranges. */
const addresses = () =>
  commaSeparated().refine(
    (entries) => z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])).safeParse(entries).success,
    "comma-separated IP addresses and CIDR ranges like 10.1.0.0/16",
  );

const isOrigin = (value: string): boolean => value === "*" || URL.parse(value)?.origin === value;

const AUTH_METHODS = ["jwt", "mtls"] as const;

const authMethods = commaSeparated()
  .refine(
    (words) => words.join() === "none" || words.every((word) => AUTH_METHODS.some((method) => method === word)),
    "none, jwt, mtls, or jwt,mtls",
  )
  .transform((words) => AUTH_METHODS.filter((method) => words.includes(method)));

/**
 * Every variable of the service, declared once and grouped by subject: the schema, the
 * documentation and, as `Settings`, the type. A variable that is set to the empty text counts as
 * not set.
 */
export const VARIABLES = {
  listen: {
    host: variable("OMS_HOST", z.string().regex(/^[\w.:%-]+$/, "a host name or an IP address, without a port"), {
      default: "127.0.0.1",
      description: "Listen address of all ports; `0.0.0.0` for all interfaces.",
    }),
    grpcPort: variable("OMS_GRPC_PORT", port(), {
      default: 50_051,
      description: "Port of gRPC; 0 for any free port.",
    }),
    httpPort: variable("OMS_HTTP_PORT", port(), {
      default: 8_080,
      description: "Port of Connect, gRPC-Web, health and metrics; 0 for any free port.",
    }),
    metricsPort: optional("OMS_METRICS_PORT", port(), {
      description:
        "Separate port of `/metrics`, without authentication; beyond loopback it requires `OMS_METRICS_ALLOW`. Not set: `/metrics` is on the HTTP port and requires the `metrics` permission unless `OMS_AUTH` is `none`.",
    }),
    metricsAllow: variable("OMS_METRICS_ALLOW", addresses(), {
      default: "",
      description:
        "Comma-separated addresses and CIDR ranges that may read `/metrics` on `OMS_METRICS_PORT`, besides this machine: those of the monitoring.",
    }),
    allowedHosts: variable(
      "OMS_ALLOWED_HOSTS",
      commaSeparated().refine(
        (hosts) => hosts.every((host) => URL.parse(`http://${host}`)?.hostname === host),
        "comma-separated host names like orders.example.com, in lower case and without a port",
      ),
      {
        default: "",
        description:
          "Comma-separated host names, besides `localhost` and loopback addresses, that requests on the HTTP port may be for while `OMS_AUTH` is `none`: those of a proxy on this machine.",
      },
    ),
    maxConnections: variable("OMS_MAX_CONNECTIONS", integer(2, 1_000_000), {
      default: 8_192,
      description:
        "Maximum number of open connections per port; half of them per client address. Further connections are closed at once.",
    }),
    reflection: variable("OMS_REFLECTION", onOff(), {
      default: "on",
      description: "Whether gRPC server reflection is served (grpcurl, buf curl), without authentication.",
    }),
    corsOrigins: variable(
      "OMS_CORS_ORIGINS",
      commaSeparated().refine(
        (origins) => origins.every(isOrigin),
        "comma-separated origins like https://console.example.com, or *",
      ),
      { default: "", description: "Comma-separated origins of web pages that may call; `*` for all. Not set: none." },
    ),
    unknownJsonFields: variable("OMS_JSON_UNKNOWN_FIELDS", choice(["reject", "ignore"]), {
      default: "reject",
      description:
        "What happens to a JSON request with a field that its message does not have: `reject` answers INVALID_ARGUMENT with the nearest name, `ignore` drops the field, for callers that send such fields until they are corrected: `oms_json_unknown_fields_total` counts them, and the log names each once with its first caller. Unknown enum names are always rejected.",
    }),
  },
  tls: {
    certFile: optional("OMS_TLS_CERT_FILE", z.string(), {
      description:
        "Certificate of both ports with its intermediate certificates (PEM file, reloaded on change). Both ports then require TLS 1.2 or later. Not set: plaintext.",
    }),
    terminatedBy: variable("OMS_TLS_TERMINATED_BY", addresses(), {
      default: "",
      description:
        "Comma-separated addresses and CIDR ranges of the proxies that terminate TLS. Without `OMS_TLS_CERT_FILE`, tokens are accepted from them and from this machine only. Log lines have the client address that they forward (`X-Forwarded-For`); the WSDL has the host and scheme that they, or this machine, forward.",
    }),
    keyFile: optional("OMS_TLS_KEY_FILE", z.string(), {
      description: "Private key of that certificate (PEM file, reloaded on change).",
    }),
    clientCaFile: optional("OMS_TLS_CLIENT_CA_FILE", z.string(), {
      description:
        "CA of accepted client certificates (PEM file, reloaded on change). Not set: client certificates are not requested.",
    }),
    clientCrlFile: optional("OMS_TLS_CLIENT_CRL_FILE", z.string(), {
      description:
        "Certificate revocation lists of that CA and of each intermediate CA (PEM file, reloaded on change). Renew it in time: an expired list rejects all client certificates. Not set: revocation is not checked.",
    }),
  },
  service: {
    role: variable("OMS_ROLE", choice(["all", "serve", "subscribe", "migrate"]), {
      default: "all",
      description:
        "Role of the process: `serve` answers calls, `subscribe` runs the Actions, `all` does both, `migrate` migrates the database and exits.",
    }),
    processes: variable("OMS_PROCESSES", integer(1, 64), {
      default: 1,
      description:
        "Number of processes that serve on the same ports, each on one core: [several processes](#several-processes). Useful with more cores than the backends need; more processes make smaller groups of commits.",
    }),
    dataDir: variable(
      "OMS_DATA_DIR",
      z.string().transform((path) => resolve(path)),
      {
        default: ".data",
        description: "Directory of the embedded servers' data, logs and state.",
      },
    ),
  },
  mysql: {
    url: optional("OMS_MYSQL_URL", mysqlUrl(), {
      description:
        "MariaDB 10.11 and later, or MySQL 9.7. May name a default database; statements do not depend on it. Not set: an embedded MariaDB.",
    }),
    caFile: optional("OMS_MYSQL_CA_FILE", z.string(), {
      description:
        "CA of MySQL's certificate (PEM file). TLS is then required, with a certificate for the host name in `OMS_MYSQL_URL`. Not set: no TLS.",
    }),
    passwordFile: passwordFile("OMS_MYSQL_PASSWORD_FILE", "OMS_MYSQL_URL"),
    connections: optional("OMS_MYSQL_CONNECTIONS", integer(2, 1_000), {
      description:
        "Maximum number of pooled connections per process; those of the committer are additional: [connections](#database-connections). Not set: 8 per process, with more than 4 processes 32 divided by their number, but at least 4.",
    }),
    databasePrefix: variable(
      "OMS_DATABASE_PREFIX",
      z.string().regex(/^[a-z0-9_]{0,32}$/, "up to 32 characters of a-z, 0-9 and _"),
      {
        default: "",
        description:
          "Prefix of the database names (`oms_db`, `ordercancel_db`, `wmsindb`), for several installations on one server.",
      },
    ),
  },
  redis: {
    url: optional("OMS_REDIS_URL", url("redis://user:password@host:6379", ["redis:", "rediss:"], { path: true }), {
      description: "Redis. Not set: an embedded Redis.",
    }),
    passwordFile: passwordFile("OMS_REDIS_PASSWORD_FILE", "OMS_REDIS_URL"),
    caFile: optional("OMS_REDIS_CA_FILE", z.string(), {
      description:
        "CA of Redis's certificate (PEM file). TLS is then required. Not set: TLS for `rediss:` only, with Node's CAs.",
    }),
  },
  nats: {
    url: optional("OMS_NATS_URL", url("nats://user:password@host:4222", ["nats:", "tls:"], { path: false }), {
      description: "NATS with JetStream. Not set: an embedded NATS server.",
    }),
    passwordFile: passwordFile("OMS_NATS_PASSWORD_FILE", "OMS_NATS_URL"),
    caFile: optional("OMS_NATS_CA_FILE", z.string(), {
      description:
        "CA of the broker's certificate (PEM file). TLS is then required. Not set: TLS for `tls:` and where the broker requires it, with Node's CAs.",
    }),
    credsFile: optional("OMS_NATS_CREDS_FILE", z.string(), {
      description:
        "`.creds` file with the service's JWT and key for the broker, read at each connect. Not set: user and password, or a token, from `OMS_NATS_URL`, if any.",
    }),
    duplicateWindowMs: variable("OMS_DUPLICATE_WINDOW_MS", integer(100, DAY), {
      default: 5 * MINUTE,
      description: "Duplicate window (ms) of the stream: the broker drops a message id repeated within it.",
    }),
  },
  systemUrls: forEachSystem(systemUrl),
  externalSystems: {
    timeoutMs: variable("OMS_EXTERNAL_TIMEOUT_MS", integer(10, HOUR), {
      formerly: "OMS_DOWNSTREAM_TIMEOUT_MS",
      default: 10 * SECOND,
      description: "Timeout (ms) of a request to an external system.",
    }),
  },
  orders: {
    kinds: variable(
      "OMS_ORDER_KINDS",
      json(
        orderKinds,
        `a JSON object of number lists with the keys ${Object.keys(orderKinds.shape).join(", ")}`,
      ).transform((kinds) => ({ ...DEFAULT_ORDER_KINDS, ...kinds }) as OrderKinds),
      {
        default: "{}",
        description:
          "Order sources and types with special rules: a JSON object that overrides the defaults of `src/domain/order-kinds.ts`.",
      },
    ),
    paymentTimeoutMs: variable("OMS_PAYMENT_TIMEOUT_MS", integer(100, 30 * DAY), {
      default: 30 * MINUTE,
      description:
        "Payment period (ms) after an order's creation. An order created by SubmitOrder is cancelled when it ends.",
    }),
    wmsCancelTimeoutMs: variable("OMS_WMS_CANCEL_TIMEOUT_MS", integer(100, 30 * DAY), {
      formerly: "OMS_WMS_ANSWER_MS",
      default: 30 * MINUTE,
      description:
        "Maximum wait (ms) for the WMS's verdict on a cancellation; after it the cancellation is refused and the order continues, unless an answer was lost: then the WMS is asked without a limit.",
    }),
  },
  auth: {
    methods: variable("OMS_AUTH", authMethods, {
      default: "none",
      description:
        "Authentication of callers: `jwt` (bearer tokens), `mtls` (client certificates), `jwt,mtls` (either), or `none`, which requires a loopback `OMS_HOST`.",
    }),
    jwtKeys: optional("OMS_JWT_KEYS", z.string(), {
      description:
        "JWKS with the keys that sign the tokens: an http(s) URL, fetched every 30 s while tokens are presented, or a file, reloaded on change. User and password in the URL are sent as basic authorization.",
    }),
    jwtIssuer: optional("OMS_JWT_ISSUER", z.string(), { description: "Required `iss` claim of the tokens." }),
    jwtAudience: optional("OMS_JWT_AUDIENCE", z.string(), { description: "Required `aud` claim of the tokens." }),
    jwtType: optional("OMS_JWT_TYPE", z.string().regex(/^[\w.+/-]+$/, "a media type like at+jwt"), {
      description:
        "Required `typ` header of the tokens, for example `at+jwt`; other tokens of the same issuer, such as ID tokens, are then rejected. Not set: any.",
    }),
    jwtOperatorClaim: variable("OMS_JWT_OPERATOR_CLAIM", z.string().regex(/^\S{1,128}$/, "the name of a claim"), {
      default: "sub",
      description:
        "Claim of the tokens that names a person, recorded as the authenticated operator of a change beside the operator in the request. A token without it names none.",
    }),
    permissionsFile: optional("OMS_PERMISSIONS_FILE", z.string(), {
      formerly: "OMS_RIGHTS_FILE",
      description:
        "Permissions of roles and callers (JSON file, reloaded on change). Not set: those of `deploy/permissions.json`.",
    }),
  },
  calls: {
    rateLimits: optional(
      "OMS_RATE_LIMITS",
      json(
        rateLimits,
        'a JSON object by caller, "*" for all others, like {"*": {"perSecond": 5000, "burst": 10000, "concurrent": 512, "watches": 100}}',
      ),
      {
        description:
          'Limits per caller: a JSON object like `{"*": {"perSecond": 5000, "burst": 10000, "concurrent": 512}, "tms": {…}}`; `*` applies to each caller without an entry. `perSecond` (over all servers) and `burst` (default: one second\'s worth) count calls, a batch as its number of orders; `concurrent` calls and open `watches` are per server. Not set: no limits.',
      },
    ),
    unauthenticatedPerSecond: variable("OMS_UNAUTHENTICATED_PER_SECOND", integer(0, 1_000_000), {
      default: 100,
      description:
        "Maximum calls per second and client address that fail authentication; the same number each of calls without permission, of health checks and of calls to other endpoints without authentication (unknown paths, `/metrics` where it is open; reflection: 10 each). Two seconds' worth may come at once. Other calls of authenticated callers are not limited. Behind a proxy, set `OMS_TLS_TERMINATED_BY`, or all clients share its address. 0: no limit.",
    }),
    deadlineCapMs: variable("OMS_DEADLINE_CAP_MS", integer(100, HOUR), {
      default: 30 * SECOND,
      description: "Maximum deadline (ms) of a call, and the deadline of a call without one. Watches have none.",
    }),
    watchHeartbeatMs: variable("OMS_WATCH_HEARTBEAT_MS", integer(100, HOUR), {
      default: 15 * SECOND,
      description: "Interval (ms) between heartbeats on an idle watch.",
    }),
    drainDelayMs: variable("OMS_DRAIN_DELAY_MS", integer(0, 10 * MINUTE), {
      default: 0,
      description:
        "Time (ms) at shutdown in which calls are served although `/readyz` and `grpc.health.v1` report not ready; longer than a load balancer takes to notice. `OMS_DRAIN_MS` begins after it.",
    }),
    drainMs: variable("OMS_DRAIN_MS", integer(0, 10 * MINUTE), {
      default: 8 * SECOND,
      description: "Time (ms) for calls in flight to finish at shutdown.",
    }),
  },
  legacy: {
    enabled: variable("OMS_LEGACY", onOff(), {
      default: "on",
      description: "Whether the legacy endpoints (`/services/…`, HTTP and SOAP) are served.",
    }),
    callers: variable(
      "OMS_LEGACY_CALLERS",
      json(
        legacyCallers,
        'a JSON object of callers like {"wms": {"addresses": ["10.1.0.0/16"], "tokenSha256": ["<64 hex digits>"]}}',
      ),
      {
        secret: true,
        default: "{}",
        description:
          'Identification of legacy callers: a JSON object like `{"wms": {"addresses": ["10.1.0.0/16"], "tokenSha256": ["<64 hex digits>"]}}`. A caller without an entry is named `legacy:<method>`.',
      },
    ),
    httpErrors: variable(
      "OMS_LEGACY_HTTP_ERRORS",
      choice(["false", "true"]).transform((text) => text === "true"),
      {
        default: "false",
        description:
          "Whether a failed call of a legacy endpoint has an HTTP error status; `false`: 200 with `result` 0, as in the legacy system.",
      },
    ),
    namespace: variable(
      "OMS_LEGACY_NAMESPACE",
      z.string().regex(/^[a-z][a-z0-9+.-]*:[!-~]+$/i, "a URI like http://orderstatus.oms/"),
      {
        default: "http://orderstatus.oms/",
        description: "XML namespace of the legacy services' SOAP messages and WSDL. Requests may use any namespace.",
      },
    ),
    baseUrl: optional("OMS_LEGACY_BASE_URL", urlWithoutQuery("https://oms.example.com"), {
      description:
        "URL at which legacy callers reach the service, below it `/services/…`, for the addresses in the WSDL. Not set: the host and scheme of the request for the WSDL, or those that a proxy in `OMS_TLS_TERMINATED_BY` or on this machine reports in `Forwarded` or `X-Forwarded-…`.",
    }),
    shadowUrl: optional("OMS_SHADOW_URL", urlWithoutQuery("http://old-oms:8080"), {
      description:
        "Legacy system for the shadow comparison during migration: each read call of a legacy endpoint is also sent there, in the background, and the answers are compared (`npx oms shadow`). Not set: no comparison.",
    }),
  },
  log: {
    level: variable("OMS_LOG_LEVEL", choice(["trace", "debug", "info", "warn", "error", "fatal", "silent"]), {
      default: "info",
      description: "Minimum log level: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.",
    }),
    slowMs: variable(
      "OMS_SLOW_MS",
      integer(0, HOUR).transform((ms) => (ms === 0 ? Number.POSITIVE_INFINITY : ms)),
      {
        default: SECOND,
        description: "Duration (ms) above which a call or a commit is logged, with a breakdown; 0 disables it.",
      },
    ),
  },
  commits: {
    concurrency: variable("OMS_COMMIT_CONCURRENCY", integer(1, 16), {
      formerly: "OMS_COMMIT_LANES",
      default: 1,
      description:
        "Maximum number of concurrent commits per process; one holds up to 256 changes. More than 1 pays only with a distant database.",
    }),
  },
  outbox: {
    retentionMs: variable("OMS_OUTBOX_RETENTION_MS", integer(1, DAY), {
      formerly: "OMS_OUTBOX_KEEP_MS",
      default: 150 * SECOND,
      description:
        "Retention (ms) of a published event in the outbox table; must exceed the broker's file sync interval.",
    }),
    sweepMs: variable("OMS_OUTBOX_SWEEP_MS", integer(10, HOUR), {
      default: 5 * SECOND,
      description:
        "Interval (ms) between sweeps of the outbox table, which delete expired rows and publish the rows of a dead server.",
    }),
  },
  actions: {
    leaseMs: variable("OMS_LEASE_MS", integer(10, HOUR), {
      default: 30 * SECOND,
      description: "Lease (ms) of a worker on an Action's run; when it expires, another worker may take over.",
    }),
    ledgerSweepDelayMs: variable("OMS_LEDGER_SWEEP_DELAY_MS", integer(10, DAY), {
      formerly: "OMS_LEDGER_WATCH_MS",
      default: 30 * SECOND,
      description:
        "Delay (ms) after the commit before the ledger sweep runs an Action whose event the broker has not delivered.",
    }),
    pollMs: variable("OMS_ACTION_POLL_MS", integer(10, HOUR), {
      default: 200,
      description:
        "Minimum interval (ms) between polls for Actions that are due. While none is, the interval is ten times as long: the time until a server notices what another one made due, and a pause of an Action at another one.",
    }),
    concurrency: variable("OMS_ACTION_CONCURRENCY", integer(1, 1_000), {
      default: 128,
      description:
        "Maximum number of concurrent runs of one Action per process and source (stream, database), each for a different order.",
    }),
    retryBaseMs: variable("OMS_RETRY_BASE_MS", integer(1, HOUR), {
      default: SECOND,
      description: "Back-off (ms) after an Action's first failure; doubles with each further one, with jitter.",
    }),
    retryCapMs: variable("OMS_RETRY_CAP_MS", integer(1, DAY), {
      default: 5 * MINUTE,
      description: "Maximum back-off (ms).",
    }),
    maxAttempts: variable("OMS_MAX_ATTEMPTS", integer(1, 1_000), {
      default: 12,
      description: "Maximum number of attempts of an Action before its entry is parked.",
    }),
  },
  retention: {
    historyDays: variable("OMS_HISTORY_RETENTION_DAYS", integer(0, MAX_DAYS), {
      formerly: "OMS_HISTORY_KEEP_DAYS",
      default: 0,
      description:
        "Retention (days) of a finished order's history, Action runs and request ids, from its last change; 0 keeps them forever.",
    }),
    requestLogDays: variable("OMS_REQUEST_LOG_RETENTION_DAYS", integer(0, MAX_DAYS), {
      formerly: "OMS_REQUEST_LOG_KEEP_DAYS",
      default: 0,
      description: "Retention (days) of the log of changing calls (`oms_request_log`); 0 keeps it forever.",
    }),
    mysqlUrl: optional("OMS_RETENTION_MYSQL_URL", mysqlUrl(), {
      description:
        "The database of `OMS_MYSQL_URL` for the user that deletes expired rows (`oms_retention` in `deploy/mysql/users.sql`), which the service's own user cannot. Not set: the user of `OMS_MYSQL_URL`, which then needs these privileges.",
    }),
    mysqlPasswordFile: passwordFile("OMS_RETENTION_MYSQL_PASSWORD_FILE", "OMS_RETENTION_MYSQL_URL"),
    intervalMs: variable("OMS_RETENTION_INTERVAL_MS", integer(10, DAY), {
      formerly: "OMS_UPKEEP_EVERY_MS",
      default: HOUR,
      description: "Interval (ms) between retention runs.",
    }),
  },
} satisfies Readonly<Record<string, Readonly<Record<string, Variable<unknown>>>>>;

type ValuesOf<Group> = {
  readonly [Key in keyof Group]: Group[Key] extends Variable<infer Value> ? Value : never;
};

/**
 * The values of all variables, grouped as declared. Durations are in milliseconds unless named
 * otherwise.
 */
export type Settings = { readonly [Key in keyof typeof VARIABLES]: ValuesOf<(typeof VARIABLES)[Key]> };

/** A row of the configuration table. */
export interface ConfigVariable {
  readonly name: string;
  /** As it would be set; "not set" for an optional variable. */
  readonly default: string;
  readonly description: string;
  readonly formerly: string | undefined;
}

/** All variables in the order of their declaration. */
export const CONFIG_VARIABLES: readonly ConfigVariable[] = Object.values(VARIABLES)
  .flatMap((group): Variable<unknown>[] => Object.values(group))
  .map(({ name, default: text = "", description, formerly }) => ({
    name,
    default: text === "" ? "not set" : String(text),
    description,
    formerly,
  }));
