import { z } from "zod";
import type { OrderKinds } from "../domain/order-kinds.ts";

/** Places at which the process kills itself when told so: for the fault tests, never set elsewhere. */
const CRASH_POINTS = [
  "after-status-write",
  "before-commit",
  "after-commit",
  "after-publish",
  "before-effect",
  "after-effect",
  "before-done",
];

function anyWholeNumber(min: number, max: number) {
  const words = `a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, words)
    .transform(Number)
    .refine((value) => value >= min && value <= max, words);
}

const wholeNumber = (min: number, max: number, byDefault: number) => anyWholeNumber(min, max).default(byDefault);

const PORTS = [0, 65_535] as const;
const port = (byDefault: number) => wholeNumber(...PORTS, byDefault);

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function choice<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, `one of ${values.join(", ")}`);
}

/** A URL with one of the protocols, a host, and no more parts than said. */
function url(example: string, protocols: readonly string[], allowed: { path: boolean }) {
  const words = `a URL like ${example}${allowed.path ? "" : ", with nothing after the port"}`;
  return z.string().refine((value) => {
    const parsed = URL.parse(value);
    return (
      parsed !== null &&
      protocols.includes(parsed.protocol) &&
      parsed.hostname !== "" &&
      parsed.hash === "" &&
      (allowed.path || (["", "/"].includes(parsed.pathname) && parsed.search === ""))
    );
  }, words);
}

const neighbour = (path: string) => url(`http://host:8090/${path}`, ["http:", "https:"], { path: true }).optional();

const file = () => z.string().optional();

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

const ORDER_KINDS_WORDS = `a JSON object of lists of numbers, with names out of ${Object.keys(orderKinds.shape).join(", ")}`;

function readOrderKinds(text: string, context: z.RefinementCtx): z.output<typeof orderKinds> {
  try {
    return orderKinds.parse(JSON.parse(text));
  } catch {
    context.addIssue({ code: "custom", message: ORDER_KINDS_WORDS });
    return z.NEVER;
  }
}

const LEGACY_CALLERS_WORDS =
  'a JSON object of callers like {"wms": {"addresses": ["10.1.0.0/16"], "tokenSha256": ["<64 hex digits>"]}}';

const legacyCallers = z.record(
  z.string().regex(/^[\x20-\x7e]{1,64}$/),
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
);

function readLegacyCallers(text: string, context: z.RefinementCtx) {
  try {
    const callers = legacyCallers.parse(JSON.parse(text));
    return Object.entries(callers).map(([name, known]) => ({ name, ...known }));
  } catch {
    context.addIssue({ code: "custom", message: LEGACY_CALLERS_WORDS });
    return z.NEVER;
  }
}

const RATE_LIMITS_WORDS =
  'a JSON object by caller, "*" for each other one, like {"*": {"perSecond": 5000, "burst": 10000, "concurrent": 512, "watches": 100}}';

const rateLimits = z.record(
  z.string().regex(/^[\x20-\x7e]{1,64}$/),
  z
    .strictObject({
      perSecond: z.number().min(0.001).max(1_000_000).optional(),
      burst: z.int().min(1).max(1_000_000).optional(),
      concurrent: z.int().min(1).optional(),
      watches: z.int().min(0).optional(),
    })
    .refine(({ perSecond, burst }) => burst === undefined || perSecond !== undefined),
);

function readRateLimits(text: string, context: z.RefinementCtx) {
  try {
    const limits = Object.entries(rateLimits.parse(JSON.parse(text)));
    return new Map(
      limits.map(([caller, { perSecond, burst = Math.max(1, Math.ceil(perSecond ?? 1)), ...slots }]) => [
        caller,
        { ...slots, ...(perSecond !== undefined && { rate: { perSecond, burst } }) },
      ]),
    );
  } catch {
    context.addIssue({ code: "custom", message: RATE_LIMITS_WORDS });
    return z.NEVER;
  }
}

function isOrigin(value: string): boolean {
  return value === "*" || URL.parse(value)?.origin === value;
}

/** Every variable that the service reads, once, with what it means. An empty variable counts as not set. */
export const VARIABLES = z.object({
  OMS_HOST: z
    .string()
    .regex(/^[\w.:%-]+$/, "a host name or an IP address, without a port")
    .default("127.0.0.1")
    .describe("Address that both ports listen on; 0.0.0.0 for all."),
  OMS_GRPC_PORT: port(50_051).describe("Port of gRPC; 0 takes any free one."),
  OMS_HTTP_PORT: port(8_080).describe("Port of Connect, gRPC-Web, health and metrics; 0 takes any free one."),
  OMS_TLS_CERT_FILE: file().describe(
    "The certificate of both ports, PEM, with those between it and its CA: they speak TLS (1.2 and later) then, and nothing else. Read again when it changes. Not set: plaintext.",
  ),
  OMS_TLS_KEY_FILE: file().describe("The key of that certificate, PEM; read again when it changes."),
  OMS_TLS_CLIENT_CA_FILE: file().describe(
    "The CA whose client certificates are believed, PEM; read again when it changes. Not set: clients are not asked for one.",
  ),
  OMS_ROLE: choice(["all", "serve", "subscribe", "migrate"])
    .default("all")
    .describe(
      "What this process does: `serve` answers calls, `subscribe` runs the Actions, `migrate` brings the database up to date and ends, `all` does everything.",
    ),
  OMS_MYSQL_URL: url("mysql://user:password@host:3306", ["mysql:"], { path: false })
    .optional()
    .describe("MySQL 8 or MariaDB 10.11 and later. Not set: an embedded MariaDB."),
  OMS_REDIS_URL: url("redis://user:password@host:6379", ["redis:", "rediss:"], { path: true })
    .optional()
    .describe("Redis. Not set: an embedded one."),
  OMS_NATS_URL: url("nats://user:password@host:4222", ["nats:", "tls:"], { path: false })
    .optional()
    .describe("NATS with JetStream. Not set: an embedded one."),
  OMS_MYSQL_CA_FILE: file().describe(
    "The CA of MySQL's certificate, PEM: TLS is required then, and the certificate must be for the host name in `OMS_MYSQL_URL`. Not set: no TLS.",
  ),
  OMS_REDIS_CA_FILE: file().describe(
    "The CA of Redis's certificate, PEM: TLS is required then. Not set: TLS for `rediss:` only, with the CAs that Node knows.",
  ),
  OMS_NATS_CA_FILE: file().describe(
    "The CA of the broker's certificate, PEM: TLS is required then. Not set: TLS for `tls:` and where the broker asks for it, with the CAs that Node knows.",
  ),
  OMS_NATS_CREDS_FILE: file().describe(
    "A `.creds` file with the broker's JWT and key for this service, read at each connect. Not set: user and password, or a token, in `OMS_NATS_URL`, or none.",
  ),
  OMS_DATA_DIR: z.string().default(".data").describe("Folder of the embedded servers' data, logs and state."),
  OMS_DATABASE_PREFIX: z
    .string()
    .regex(/^[a-z0-9_]{1,32}$/, "1 to 32 of a-z, 0-9 and _")
    .optional()
    .describe(
      "Put before the databases' names (`oms_db`, `ordercancel_db`, `wmsindb`): several installations on one server.",
    ),
  OMS_EINVOICE_URL: neighbour("einvoice").describe("The e-invoice mail service. Not set: the embedded neighbour."),
  OMS_FINANCE_URL: neighbour("finance").describe("The finance system. Not set: the embedded neighbour."),
  OMS_MESSAGE_URL: neighbour("message").describe("The SMS and WeChat gateway. Not set: the embedded neighbour."),
  OMS_ERP_URL: neighbour("erp").describe(
    "The ERP (`/allocate`, `/release` below it). Not set: the embedded neighbour.",
  ),
  OMS_WMS_URL: neighbour("wms").describe("The WMS (`/dispatch`, `/cancel` below it). Not set: the embedded neighbour."),
  OMS_SHADOW_URL: url("http://old-oms:8080", ["http:", "https:"], { path: true })
    .refine((value) => URL.parse(value)?.search === "", "without a query")
    .optional()
    .describe(
      "The old system, during the move away from it: every reading call at an old address (`/services/orderStatus/…`) is also sent there, beside the caller's way, and the answers are compared (`npx oms shadow`). Not set: nothing is compared.",
    ),
  OMS_ORDER_KINDS: z
    .string()
    .transform(readOrderKinds)
    .optional()
    .describe(
      "Which order sources and types are special: a JSON object laid over the defaults of `src/domain/order-kinds.ts`.",
    ),
  OMS_AUTH: z
    .string()
    .transform((text) => text.split(",").map((word) => word.trim()))
    .refine(
      (words) => words.join() === "none" || words.every((word) => word === "jwt" || word === "mtls"),
      "none, jwt, mtls, or jwt,mtls (then either will do)",
    )
    .default(["none"])
    .describe(
      "How callers prove who they are: `jwt` by bearer tokens, `mtls` by client certificates, `jwt,mtls` by either; `none` takes their word, and only while bound to loopback.",
    ),
  OMS_JWT_KEYS: z
    .string()
    .optional()
    .describe(
      "The keys (JWKS) that tokens are signed with: an http(s) address, or a file that is read again when it changes.",
    ),
  OMS_JWT_ISSUER: z.string().optional().describe("The `iss` that tokens must have."),
  OMS_JWT_AUDIENCE: z.string().optional().describe("The `aud` that tokens must have."),
  OMS_RIGHTS_FILE: z
    .string()
    .optional()
    .describe(
      "Who may do what: a JSON file, read again when it changes. Not set: the roles of `src/transport/auth/default-permissions.ts`.",
    ),
  OMS_RATE_LIMITS: z
    .string()
    .transform(readRateLimits)
    .optional()
    .describe(
      'What each caller may use: a JSON object like `{"*": {"perSecond": 5000, "burst": 10000, "concurrent": 512}, "tms": {…}}`, `*` for each caller that is not named. `perSecond` (over all servers) and `burst` (a second\'s worth unless said) count calls, a batch as many as it has orders; `concurrent` calls and open `watches` are on one server. Not set: no limits.',
    ),
  OMS_MAX_CONNECTIONS: wholeNumber(2, 1_000_000, 8_192).describe(
    "Open connections to each port; one address may have half of them. Further ones are closed at once.",
  ),
  OMS_REFLECTION: choice(["on", "off"])
    .default("on")
    .describe("Whether the server tells its contract to whoever asks (grpcurl, buf curl); needs no token."),
  OMS_METRICS_PORT: anyWholeNumber(...PORTS)
    .optional()
    .describe(
      "Port of its own for `/metrics`, which needs no token there. Not set: on the HTTP port, for callers with the right `metrics` where callers prove who they are.",
    ),
  OMS_CORS_ORIGINS: z
    .string()
    .transform((text) => text.split(",").map((origin) => origin.trim()))
    .refine((origins) => origins.every(isOrigin), "origins like https://console.example.com with commas between, or *")
    .optional()
    .describe("Origins of web pages that may call, with commas between; `*` for all. Not set: none."),
  OMS_LEGACY: choice(["on", "off"])
    .default("on")
    .describe("Whether the old system's addresses (`/services/…`, HTTP and SOAP) are served."),
  OMS_LEGACY_CALLERS: z
    .string()
    .transform(readLegacyCallers)
    .optional()
    .describe(
      'How the callers of the old addresses are known: a JSON object like `{"wms": {"addresses": ["10.1.0.0/16"], "tokenSha256": ["<64 hex digits>"]}}`. Not set: as `legacy:<method>`.',
    ),
  OMS_LEGACY_HTTP_ERRORS: choice(["false", "true"])
    .default("false")
    .transform((word) => word === "true")
    .describe("Whether a failure at an old address is an HTTP error; `false`: 200 with `result` 0, as it was."),
  OMS_LEGACY_NAMESPACE: z
    .string()
    .regex(/^[a-z][a-z0-9+.-]*:[!-~]+$/i, "a URI like http://orderstatus.oms/")
    .default("http://orderstatus.oms/")
    .describe("Namespace of the old services' SOAP messages and WSDL. Requests are taken in any."),
  OMS_LOG_LEVEL: choice(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("What is logged: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`."),
  OMS_SLOW_MS: wholeNumber(0, HOUR, SECOND).describe(
    "A call or a commit that takes longer is told to the log, with where its time went; 0 tells of none.",
  ),
  OMS_DEADLINE_CAP_MS: wholeNumber(100, HOUR, 30 * SECOND).describe(
    "Longest deadline of a call, also of one that names none; a watch has none.",
  ),
  OMS_WATCH_HEARTBEAT_MS: wholeNumber(100, HOUR, 15 * SECOND).describe(
    "How often an idle watch is sent a sign of life.",
  ),
  OMS_DRAIN_MS: wholeNumber(0, 10 * MINUTE, 8 * SECOND).describe("How long calls in flight have to finish at the end."),
  OMS_COMMIT_LANES: wholeNumber(1, 16, 1).describe(
    "Commits under way at once in one process; one takes up to 256 changes. More help only where the database is far away.",
  ),
  OMS_OUTBOX_KEEP_MS: wholeNumber(1, DAY, 150 * SECOND).describe(
    "How long a published event stays in the outbox table: longer than the broker takes to sync its files.",
  ),
  OMS_OUTBOX_SWEEP_MS: wholeNumber(10, HOUR, 5 * SECOND).describe(
    "How often the outbox table is looked at: for rows to delete, and for rows that a dead server left unpublished.",
  ),
  OMS_DUPLICATE_WINDOW_MS: wholeNumber(100, DAY, 5 * MINUTE).describe(
    "How long the broker drops repeats of a message id.",
  ),
  OMS_LEDGER_WATCH_MS: wholeNumber(10, DAY, 30 * SECOND).describe(
    "How long an Action may stay untouched after its event's commit before it is run from the database, without the broker.",
  ),
  OMS_LEASE_MS: wholeNumber(10, HOUR, 30 * SECOND).describe(
    "How long a worker that fell silent keeps its claim on an Action's run.",
  ),
  OMS_ACTION_POLL_MS: wholeNumber(10, HOUR, 200).describe("How often Actions that are due again are looked for."),
  OMS_ACTION_CONCURRENCY: wholeNumber(1, 1_000, 128).describe(
    "Runs of one Action at the same time in one process, each of another order: so many from the stream, and as many from the database.",
  ),
  OMS_RETRY_BASE_MS: wholeNumber(1, HOUR, SECOND).describe(
    "Back-off after an Action's first failure; doubled at each further one, with jitter.",
  ),
  OMS_RETRY_CAP_MS: wholeNumber(1, DAY, 5 * MINUTE).describe("Longest back-off."),
  OMS_MAX_ATTEMPTS: wholeNumber(1, 1_000, 12).describe(
    "Attempts of an Action before it is parked for a person to look at.",
  ),
  OMS_DOWNSTREAM_TIMEOUT_MS: wholeNumber(10, HOUR, 10 * SECOND).describe("How long a neighbour has for its answer."),
  OMS_PAYMENT_TIMEOUT_MS: wholeNumber(100, 30 * DAY, 30 * MINUTE).describe(
    "How long after its creation an order can be paid for; one that came by SubmitOrder is cancelled then.",
  ),
  OMS_WMS_ANSWER_MS: wholeNumber(100, 30 * DAY, 30 * MINUTE).describe(
    "How long the WMS has to say whether an order can be cancelled; then the cancel is refused and the order goes on.",
  ),
  OMS_HISTORY_KEEP_DAYS: wholeNumber(0, 36_500, 0).describe(
    "How many days after its last change an order that has ended keeps its history, what its Actions did, and its request ids; 0 keeps them for good.",
  ),
  OMS_REQUEST_LOG_KEEP_DAYS: wholeNumber(0, 36_500, 0).describe(
    "How many days the log of all changing calls (`oms_request_log`) goes back; 0 keeps it for good.",
  ),
  OMS_UPKEEP_EVERY_MS: wholeNumber(10, DAY, HOUR).describe(
    "How long after one look for what has been kept for long enough the next one begins.",
  ),
  OMS_CRASH_AT: z
    .string()
    .regex(new RegExp(`^(${CRASH_POINTS.join("|")})(:[^:]+:[^:]+)?$`), `one of ${CRASH_POINTS.join(", ")}`)
    .optional()
    .describe(
      "For fault tests: the process kills itself when it first comes to that place; `before-effect:<Action>:<message id>` at that event only.",
    ),
});

/** The variables' values, read. */
export type Values = z.output<typeof VARIABLES>;

/** A row of the README's configuration table. */
export interface ConfigVariable {
  readonly name: string;
  /** As it would be written; "not set" where there is none. */
  readonly default: string;
  readonly meaning: string;
}

/** All variables with their defaults and meanings, in the order in which to read them. */
export const CONFIG_VARIABLES: readonly ConfigVariable[] = Object.entries(VARIABLES.shape).map(([name, schema]) => {
  const byDefault = schema.parse(undefined);
  return { name, default: byDefault === undefined ? "not set" : String(byDefault), meaning: schema.description ?? "" };
});
