import type { ConnectionOptions } from "mysql2";

/** How long a connect may take, in milliseconds: the time after which a dead host counts as away. */
const CONNECT_TIMEOUT_MS = 1_500;

/** How long a statement waits for a row that somebody else has locked, in seconds; then the whole transaction is tried again. */
const LOCK_WAIT_SECONDS = 2;

/**
 * What every session of ours agrees on, run when it opens. Under READ COMMITTED locks are taken on the rows found and on nothing
 * else. Backslash escapes are what the driver's escaping relies on, so the mode is ours; zero dates are let be, as old tables hold
 * what they hold.
 */
export const SESSION_SETTINGS: readonly string[] = [
  "set session transaction isolation level read committed",
  "set session sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'," +
    ` time_zone = '+00:00', innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
];

/** Where a server is. */
export interface ServerAddress {
  /** `mysql://user:password@host:port`; `?socket=<path>` goes through a Unix socket. */
  readonly url: string;
  /** The CA of its certificate, PEM: TLS is required then, and the certificate must be for the host of the URL. */
  readonly ca?: string | undefined;
}

/** The driver's options for a server. */
export function connectionOptions({ url, ca }: ServerAddress): ConnectionOptions {
  const { hostname, port, username, password, searchParams } = new URL(url);
  const socketPath = searchParams.get("socket");
  return {
    ...(socketPath === null ? { host: hostname, port: Number(port || 3306) } : { socketPath }),
    ...(ca !== undefined && {
      ssl: { ca, rejectUnauthorized: true, verifyIdentity: true, minVersion: "TLSv1.2" },
    }),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    charset: "utf8mb4",
    timezone: "Z",
    // BIGINT is text: beyond 2^53 a number is wrong.
    supportBigNumbers: true,
    bigNumberStrings: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableKeepAlive: true,
    keepAliveInitialDelay: 10_000,
  };
}
