import type { Settings } from "./variables.ts";

/** A rule over several variables. */
interface Constraint {
  readonly variables: readonly string[];
  /** What is wrong and what to do; undefined: nothing. */
  readonly violation: (settings: Settings) => string | undefined;
}

/** One setting that makes no sense without others. */
function requires(
  setting: string,
  isSet: (settings: Settings) => boolean,
  required: Readonly<Record<string, (settings: Settings) => string | undefined>>,
  reason = "",
): Constraint {
  const names = Object.keys(required);
  return {
    variables: [setting.split("=", 1)[0] as string, ...names],
    violation: (settings) =>
      isSet(settings) && Object.values(required).some((read) => read(settings) === undefined)
        ? `${setting} requires ${listed(names)}${reason}.`
        : undefined,
  };
}

/** "A", "A and B", "A, B and C". */
function listed(names: readonly string[]): string {
  return names.length === 1 ? String(names[0]) : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

const IP_ADDRESS = /^[\d.]+$|:/;

/** A password is either in the URL or in its file, and belongs to a server that is not embedded. */
function passwordFileOf(
  fileVariable: string,
  urlVariable: string,
  read: (settings: Settings) => { readonly file: string | undefined; readonly url: string | undefined },
  { userRequired = true } = {},
): Constraint {
  return {
    variables: [fileVariable, urlVariable],
    violation: (settings) => {
      const { file, url } = read(settings);
      if (file === undefined) {
        return undefined;
      }
      const { username, password } = URL.parse(url ?? "") ?? {};
      if (url === undefined || (userRequired && username === "")) {
        return `${fileVariable} requires ${urlVariable} with a user.`;
      }
      return password === "" ? undefined : `${fileVariable} requires ${urlVariable} without a password.`;
    },
  };
}

const EMBEDDED = ": the embedded server has no TLS";

const CONSTRAINTS: readonly Constraint[] = [
  {
    variables: ["OMS_GRPC_PORT", "OMS_HTTP_PORT"],
    violation: ({ listen: { grpcPort, httpPort } }) =>
      grpcPort === httpPort && grpcPort !== 0
        ? `OMS_GRPC_PORT and OMS_HTTP_PORT are both ${grpcPort}: gRPC and HTTP/1.1 require separate ports.`
        : undefined,
  },
  {
    variables: ["OMS_AUTH", "OMS_HOST"],
    violation: ({ auth: { methods }, listen: { host } }) =>
      methods.length === 0 && !LOOPBACK.test(host)
        ? `OMS_AUTH=none requires a loopback OMS_HOST, was "${host}": any client on the network could change orders. Set OMS_HOST=127.0.0.1, or OMS_AUTH to jwt or mtls.`
        : undefined,
  },
  {
    variables: ["OMS_AUTH", "OMS_HOST", "OMS_TLS_CERT_FILE", "OMS_TLS_TERMINATED_BY"],
    violation: ({ auth: { methods }, listen: { host }, tls: { certFile, terminatedBy } }) =>
      methods.includes("jwt") && certFile === undefined && terminatedBy.length === 0 && !LOOPBACK.test(host)
        ? `OMS_AUTH=jwt requires TLS for OMS_HOST="${host}": tokens would cross the network in cleartext. Set OMS_TLS_CERT_FILE and OMS_TLS_KEY_FILE, or OMS_TLS_TERMINATED_BY to the addresses of the proxies that terminate TLS.`
        : undefined,
  },
  {
    variables: ["OMS_METRICS_PORT", "OMS_HOST", "OMS_METRICS_ALLOW"],
    violation: ({ listen: { host, metricsPort, metricsAllow } }) =>
      metricsPort !== undefined && metricsAllow.length === 0 && !LOOPBACK.test(host)
        ? `OMS_METRICS_PORT requires OMS_METRICS_ALLOW for OMS_HOST="${host}": any client on the network could read the metrics. Set it to the addresses of the monitoring.`
        : undefined,
  },
  requires("OMS_AUTH=mtls", ({ auth }) => auth.methods.includes("mtls"), {
    OMS_TLS_CLIENT_CA_FILE: ({ tls }) => tls.clientCaFile,
    OMS_TLS_CERT_FILE: ({ tls }) => tls.certFile,
    OMS_TLS_KEY_FILE: ({ tls }) => tls.keyFile,
  }),
  requires("OMS_AUTH=jwt", ({ auth }) => auth.methods.includes("jwt"), {
    OMS_JWT_KEYS: ({ auth }) => auth.jwtKeys,
    OMS_JWT_ISSUER: ({ auth }) => auth.jwtIssuer,
    OMS_JWT_AUDIENCE: ({ auth }) => auth.jwtAudience,
  }),
  requires("OMS_TLS_CERT_FILE", ({ tls }) => tls.certFile !== undefined, {
    OMS_TLS_KEY_FILE: ({ tls }) => tls.keyFile,
  }),
  requires("OMS_TLS_KEY_FILE", ({ tls }) => tls.keyFile !== undefined, {
    OMS_TLS_CERT_FILE: ({ tls }) => tls.certFile,
  }),
  requires("OMS_TLS_CLIENT_CA_FILE", ({ tls }) => tls.clientCaFile !== undefined, {
    OMS_TLS_CERT_FILE: ({ tls }) => tls.certFile,
    OMS_TLS_KEY_FILE: ({ tls }) => tls.keyFile,
  }),
  requires("OMS_TLS_CLIENT_CRL_FILE", ({ tls }) => tls.clientCrlFile !== undefined, {
    OMS_TLS_CLIENT_CA_FILE: ({ tls }) => tls.clientCaFile,
  }),
  requires(
    "OMS_MYSQL_CA_FILE",
    ({ mysql }) => mysql.caFile !== undefined,
    { OMS_MYSQL_URL: ({ mysql }) => mysql.url },
    EMBEDDED,
  ),
  requires(
    "OMS_REDIS_CA_FILE",
    ({ redis }) => redis.caFile !== undefined,
    { OMS_REDIS_URL: ({ redis }) => redis.url },
    EMBEDDED,
  ),
  requires(
    "OMS_NATS_CA_FILE",
    ({ nats }) => nats.caFile !== undefined,
    { OMS_NATS_URL: ({ nats }) => nats.url },
    EMBEDDED,
  ),
  passwordFileOf("OMS_MYSQL_PASSWORD_FILE", "OMS_MYSQL_URL", ({ mysql }) => ({
    file: mysql.passwordFile,
    url: mysql.url,
  })),
  passwordFileOf("OMS_RETENTION_MYSQL_PASSWORD_FILE", "OMS_RETENTION_MYSQL_URL", ({ retention }) => ({
    file: retention.mysqlPasswordFile,
    url: retention.mysqlUrl,
  })),
  passwordFileOf("OMS_NATS_PASSWORD_FILE", "OMS_NATS_URL", ({ nats }) => ({ file: nats.passwordFile, url: nats.url })),
  passwordFileOf(
    "OMS_REDIS_PASSWORD_FILE",
    "OMS_REDIS_URL",
    ({ redis }) => ({ file: redis.passwordFile, url: redis.url }),
    // Redis has a default user.
    { userRequired: false },
  ),
  requires(
    "OMS_RETENTION_MYSQL_URL",
    ({ retention }) => retention.mysqlUrl !== undefined,
    { OMS_MYSQL_URL: ({ mysql }) => mysql.url },
    ": the embedded server has a user for retention",
  ),
  {
    variables: ["OMS_NATS_CREDS_FILE", "OMS_NATS_PASSWORD_FILE"],
    violation: ({ nats }) =>
      nats.credsFile !== undefined && nats.passwordFile !== undefined
        ? "OMS_NATS_CREDS_FILE and OMS_NATS_PASSWORD_FILE exclude each other: unset one of them."
        : undefined,
  },
  requires("OMS_NATS_CREDS_FILE", ({ nats }) => nats.credsFile !== undefined, { OMS_NATS_URL: ({ nats }) => nats.url }),
  {
    variables: ["OMS_MYSQL_CA_FILE", "OMS_MYSQL_URL"],
    violation: ({ mysql: { caFile, url = "" } }) => {
      const host = URL.parse(url)?.hostname ?? "";
      return caFile !== undefined && IP_ADDRESS.test(host)
        ? `OMS_MYSQL_CA_FILE requires a host name in OMS_MYSQL_URL, was ${host}: the driver checks certificates against names only.`
        : undefined;
    },
  },
];

/**
 * What is wrong with the combination of the variables.
 *
 * @param invalid variables without a valid value; constraints on them are not evaluated
 */
export function checkConstraints(settings: Settings, invalid: ReadonlySet<string>): string[] {
  return CONSTRAINTS.filter(({ variables }) => !variables.some((name) => invalid.has(name))).flatMap(
    ({ violation }) => violation(settings) ?? [],
  );
}
