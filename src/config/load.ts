import { resolve } from "node:path";
import { DEFAULT_ORDER_KINDS, type OrderKinds } from "../domain/order-kinds.ts";
import { redactUrl, redactUrls } from "../observability/redact-url.ts";
import type { TracingSettings } from "../observability/tracing.ts";
import { readTracing } from "./otel-variables.ts";
import { VARIABLES, type Values } from "./variables.ts";

export { CONFIG_VARIABLES } from "./variables.ts";

/** Which part of the work a process does. */
export type Role = Values["OMS_ROLE"];

/** The service's whole configuration. Times are milliseconds. */
export interface Config {
  readonly role: Role;
  readonly host: string;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** PEM files for TLS on both ports; undefined: they speak in the clear. */
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string; readonly clientCaFile: string | undefined }
    | undefined;
  /** Undefined: that server is embedded. */
  readonly mysqlUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly natsUrl: string | undefined;
  /** Files that say whom to trust and as whom to come in at those servers. */
  readonly trust: {
    readonly mysqlCaFile: string | undefined;
    readonly redisCaFile: string | undefined;
    readonly natsCaFile: string | undefined;
    readonly natsCredsFile: string | undefined;
  };
  /** Absolute. */
  readonly dataDir: string;
  /** Empty: the databases have their old names. */
  readonly databasePrefix: string;
  /** Undefined: the embedded neighbour. */
  readonly neighbours: {
    readonly einvoiceUrl: string | undefined;
    readonly financeUrl: string | undefined;
    readonly messageUrl: string | undefined;
    readonly erpUrl: string | undefined;
    readonly wmsUrl: string | undefined;
  };
  /** The old system, to compare answers with; undefined: nothing is compared. */
  readonly shadowUrl: string | undefined;
  readonly orderKinds: OrderKinds;
  readonly logLevel: Values["OMS_LOG_LEVEL"];
  /** Where traces go; undefined: nothing is traced. */
  readonly tracing: TracingSettings | undefined;
  /** How callers prove who they are; undefined: their word is taken. */
  readonly auth:
    | {
        readonly tokens: { readonly keys: string; readonly issuer: string; readonly audience: string } | undefined;
        readonly certificates: boolean;
        readonly rightsFile: string | undefined;
      }
    | undefined;
  /** What each caller may use, "*" standing for those that are not named; undefined: as much as there is. */
  readonly rateLimits: Values["OMS_RATE_LIMITS"];
  /** To each port. */
  readonly maxConnections: number;
  readonly reflection: boolean;
  /** Undefined: metrics are on the HTTP port. */
  readonly metricsPort: number | undefined;
  readonly corsOrigins: readonly string[];
  /** The old system's addresses. */
  readonly legacy: {
    readonly on: boolean;
    /** How their callers are known. */
    readonly callers: readonly {
      readonly name: string;
      readonly addresses: readonly string[];
      readonly tokenSha256: readonly string[];
    }[];
    readonly failuresAreErrors: boolean;
    readonly namespace: string;
  };
  readonly crashAt: string | undefined;
  /** Commits under way at once. */
  readonly commitLanes: number;
  readonly timing: {
    readonly deadlineCapMs: number;
    /** What takes longer is told to the log; Infinity: nothing is. */
    readonly slowMs: number;
    readonly watchHeartbeatMs: number;
    readonly drainMs: number;
    readonly outboxKeepMs: number;
    readonly outboxSweepMs: number;
    readonly duplicateWindowMs: number;
    readonly ledgerWatchMs: number;
    readonly leaseMs: number;
    readonly actionPollMs: number;
    readonly actionConcurrency: number;
    readonly retryBaseMs: number;
    readonly retryCapMs: number;
    readonly maxAttempts: number;
    readonly downstreamTimeoutMs: number;
    readonly paymentTimeoutMs: number;
    readonly wmsAnswerMs: number;
    readonly upkeepEveryMs: number;
  };
  /** How long what is over is kept; Infinity: for good. */
  readonly keep: {
    readonly historyMs: number;
    readonly requestLogMs: number;
  };
  /** What a person should know of the environment, though it stops nothing: misspelt variables. */
  readonly warnings: readonly string[];
}

/** The environment holds something that the service cannot run with: each variable with its value and what would be right. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** A value, for messages, which end up in logs: addresses without passwords, and no token that stands where its digest should. */
function shownValue(name: string, value: string): string {
  if (name === "OMS_LEGACY_CALLERS") {
    return "not what it should be";
  }
  return `"${name.endsWith("_URL") ? redactUrl(value) : redactUrls(value)}"`;
}

/** How many letters have to change to make one word the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, otherLetter] of [...other].entries()) {
      const replaced = (row[j] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

function warnOfUnknown(env: NodeJS.ProcessEnv): string[] {
  const known = Object.keys(VARIABLES.shape);
  return Object.keys(env)
    .filter((name) => name.startsWith("OMS_") && !known.includes(name))
    .map((name) => {
      const nearest = known.toSorted((a, b) => distance(name, a) - distance(name, b))[0];
      return `${name} is not a variable of this service and changes nothing; the nearest one is ${nearest}`;
    });
}

const DAY_MS = 86_400_000;

function keepMs(days: number): number {
  return days === 0 ? Number.POSITIVE_INFINITY : days * DAY_MS;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** @throws ConfigError for callers whose word would be taken beyond this machine, and for tokens that nobody could check */
function readAuth(values: Values): Config["auth"] {
  const {
    OMS_AUTH: words,
    OMS_HOST: host,
    OMS_JWT_KEYS: keys,
    OMS_JWT_ISSUER: issuer,
    OMS_JWT_AUDIENCE: audience,
  } = values;
  if (words.includes("none")) {
    if (!LOOPBACK.test(host)) {
      throw new ConfigError(
        `OMS_HOST is "${host}" while OMS_AUTH is "none": anybody who reaches this machine could change orders. Right would be OMS_HOST=127.0.0.1, or OMS_AUTH=jwt or mtls.`,
      );
    }
    return undefined;
  }
  const certificates = words.includes("mtls");
  if (certificates && values.OMS_TLS_CLIENT_CA_FILE === undefined) {
    throw new ConfigError(
      "OMS_AUTH is mtls: OMS_TLS_CLIENT_CA_FILE says whose client certificates are believed, and must be set, with OMS_TLS_CERT_FILE and OMS_TLS_KEY_FILE.",
    );
  }
  const rightsFile = values.OMS_RIGHTS_FILE;
  if (!words.includes("jwt")) {
    return { tokens: undefined, certificates, rightsFile };
  }
  if (keys === undefined || issuer === undefined || audience === undefined) {
    throw new ConfigError(
      "OMS_AUTH is jwt: OMS_JWT_KEYS, OMS_JWT_ISSUER and OMS_JWT_AUDIENCE say whose tokens are believed, and must all be set.",
    );
  }
  return { tokens: { keys, issuer, audience }, certificates, rightsFile };
}

/** @throws ConfigError for a half of what TLS needs */
function readTls(values: Values): Config["tls"] {
  const { OMS_TLS_CERT_FILE: certFile, OMS_TLS_KEY_FILE: keyFile, OMS_TLS_CLIENT_CA_FILE: clientCaFile } = values;
  if (certFile !== undefined && keyFile !== undefined) {
    return { certFile, keyFile, clientCaFile };
  }
  if (certFile !== undefined || keyFile !== undefined || clientCaFile !== undefined) {
    throw new ConfigError(
      "TLS needs both OMS_TLS_CERT_FILE and OMS_TLS_KEY_FILE; right would be to set both, or neither and no OMS_TLS_CLIENT_CA_FILE.",
    );
  }
  return undefined;
}

/** @throws ConfigError for an address whose certificate could not be checked, and for the embedded servers, which have none */
function readTrust(values: Values): Config["trust"] {
  for (const server of ["MYSQL", "REDIS", "NATS"] as const) {
    if (values[`OMS_${server}_CA_FILE`] !== undefined && values[`OMS_${server}_URL`] === undefined) {
      throw new ConfigError(
        `OMS_${server}_CA_FILE is set and OMS_${server}_URL is not; right would be both: an embedded server speaks no TLS.`,
      );
    }
  }
  if (values.OMS_NATS_CREDS_FILE !== undefined && values.OMS_NATS_URL === undefined) {
    throw new ConfigError("OMS_NATS_CREDS_FILE is set and OMS_NATS_URL is not; right would be both.");
  }
  const mysqlHost = URL.parse(values.OMS_MYSQL_URL ?? "")?.hostname ?? "";
  if (values.OMS_MYSQL_CA_FILE !== undefined && /^[\d.]+$|:/.test(mysqlHost)) {
    throw new ConfigError(
      `OMS_MYSQL_URL names ${mysqlHost} while OMS_MYSQL_CA_FILE is set; right would be the host name that is in the server's certificate: the driver checks names only.`,
    );
  }
  return {
    mysqlCaFile: values.OMS_MYSQL_CA_FILE,
    redisCaFile: values.OMS_REDIS_CA_FILE,
    natsCaFile: values.OMS_NATS_CA_FILE,
    natsCredsFile: values.OMS_NATS_CREDS_FILE,
  };
}

/**
 * The only place that reads the environment.
 *
 * @throws ConfigError which names each variable that is wrong
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const read = VARIABLES.safeParse(set);
  if (!read.success) {
    const faults = read.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `${name} is ${shownValue(name, set[name] ?? "")}; right would be ${message}.`;
    });
    throw new ConfigError(faults.join("\n"));
  }
  const values = read.data;
  if (values.OMS_GRPC_PORT === values.OMS_HTTP_PORT && values.OMS_GRPC_PORT !== 0) {
    throw new ConfigError(
      `OMS_GRPC_PORT and OMS_HTTP_PORT are both ${values.OMS_GRPC_PORT}; right would be two ports: gRPC and HTTP/1.1 cannot share one.`,
    );
  }
  const tracing = readTracing(set);
  return {
    role: values.OMS_ROLE,
    host: values.OMS_HOST,
    grpcPort: values.OMS_GRPC_PORT,
    httpPort: values.OMS_HTTP_PORT,
    tls: readTls(values),
    mysqlUrl: values.OMS_MYSQL_URL,
    redisUrl: values.OMS_REDIS_URL,
    natsUrl: values.OMS_NATS_URL,
    trust: readTrust(values),
    dataDir: resolve(values.OMS_DATA_DIR),
    databasePrefix: values.OMS_DATABASE_PREFIX ?? "",
    neighbours: {
      einvoiceUrl: values.OMS_EINVOICE_URL,
      financeUrl: values.OMS_FINANCE_URL,
      messageUrl: values.OMS_MESSAGE_URL,
      erpUrl: values.OMS_ERP_URL,
      wmsUrl: values.OMS_WMS_URL,
    },
    shadowUrl: values.OMS_SHADOW_URL,
    orderKinds: { ...DEFAULT_ORDER_KINDS, ...values.OMS_ORDER_KINDS } as OrderKinds,
    logLevel: values.OMS_LOG_LEVEL,
    tracing: tracing.settings,
    auth: readAuth(values),
    rateLimits: values.OMS_RATE_LIMITS,
    maxConnections: values.OMS_MAX_CONNECTIONS,
    reflection: values.OMS_REFLECTION === "on",
    metricsPort: values.OMS_METRICS_PORT,
    corsOrigins: values.OMS_CORS_ORIGINS ?? [],
    legacy: {
      on: values.OMS_LEGACY === "on",
      callers: values.OMS_LEGACY_CALLERS ?? [],
      failuresAreErrors: values.OMS_LEGACY_HTTP_ERRORS,
      namespace: values.OMS_LEGACY_NAMESPACE,
    },
    crashAt: values.OMS_CRASH_AT,
    commitLanes: values.OMS_COMMIT_LANES,
    timing: {
      deadlineCapMs: values.OMS_DEADLINE_CAP_MS,
      slowMs: values.OMS_SLOW_MS === 0 ? Number.POSITIVE_INFINITY : values.OMS_SLOW_MS,
      watchHeartbeatMs: values.OMS_WATCH_HEARTBEAT_MS,
      drainMs: values.OMS_DRAIN_MS,
      outboxKeepMs: values.OMS_OUTBOX_KEEP_MS,
      outboxSweepMs: values.OMS_OUTBOX_SWEEP_MS,
      duplicateWindowMs: values.OMS_DUPLICATE_WINDOW_MS,
      ledgerWatchMs: values.OMS_LEDGER_WATCH_MS,
      leaseMs: values.OMS_LEASE_MS,
      actionPollMs: values.OMS_ACTION_POLL_MS,
      actionConcurrency: values.OMS_ACTION_CONCURRENCY,
      retryBaseMs: values.OMS_RETRY_BASE_MS,
      retryCapMs: values.OMS_RETRY_CAP_MS,
      maxAttempts: values.OMS_MAX_ATTEMPTS,
      downstreamTimeoutMs: values.OMS_DOWNSTREAM_TIMEOUT_MS,
      paymentTimeoutMs: values.OMS_PAYMENT_TIMEOUT_MS,
      wmsAnswerMs: values.OMS_WMS_ANSWER_MS,
      upkeepEveryMs: values.OMS_UPKEEP_EVERY_MS,
    },
    keep: {
      historyMs: keepMs(values.OMS_HISTORY_KEEP_DAYS),
      requestLogMs: keepMs(values.OMS_REQUEST_LOG_KEEP_DAYS),
    },
    warnings: [...warnOfUnknown(env), ...tracing.warnings],
  };
}
