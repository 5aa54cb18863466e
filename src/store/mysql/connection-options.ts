import type { ConnectionOptions } from "mysql2";
import type { PasswordReader } from "../../lib/password-file.ts";

/** Connect timeout in milliseconds: after it a host counts as unavailable. */
const CONNECT_TIMEOUT_MS = 1_500;

/** Lock wait timeout in seconds; after it the whole transaction is retried. */
const LOCK_WAIT_SECONDS = 2;

/**
 * Session settings, run when a connection opens. READ COMMITTED locks the rows found and no gaps.
 * The driver's escaping relies on backslash escapes, so the SQL mode is set here; it allows zero
 * dates, which legacy tables contain.
 */
export const SESSION_SETTINGS: readonly string[] = [
  "set session transaction isolation level read committed",
  "set session sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'," +
    ` time_zone = '+00:00', innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
];

/**
 * Default database of a session if the URL names none. MySQL requires one to update a
 * `json_table(…)`, although statements name the database of every table. This one exists on every
 * server, for every user.
 */
const DEFAULT_DATABASE = "information_schema";

/** Address of a database server. */
export interface ServerAddress {
  /**
   * `mysql://user:password@host:port`, with `/<database>` for another default database;
   * `?socket=<path>` connects through a Unix socket.
   */
  readonly url: string;
  /**
   * The server's CA certificate (PEM). If set, TLS is required and the certificate must match the
   * URL's host.
   */
  readonly ca?: string | undefined;
  /** Password of the URL's user; called for each connection. */
  readonly password?: PasswordReader | undefined;
}

/** Connection options of the driver, with the current password. */
export function connectionOptions({ url, ca, password: readPassword }: ServerAddress): ConnectionOptions {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const socketPath = searchParams.get("socket");
  return {
    ...(socketPath === null ? { host: hostname, port: Number(port || 3306) } : { socketPath }),
    ...(ca !== undefined && {
      ssl: { ca, rejectUnauthorized: true, verifyIdentity: true, minVersion: "TLSv1.2" },
    }),
    user: decodeURIComponent(username),
    password: readPassword?.() ?? decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)) || DEFAULT_DATABASE,
    charset: "utf8mb4",
    timezone: "Z",
    // BIGINT values as text: numbers beyond 2^53 would be rounded.
    supportBigNumbers: true,
    bigNumberStrings: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableKeepAlive: true,
    keepAliveInitialDelay: 10_000,
  };
}
