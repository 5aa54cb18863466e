import type { MysqlPool, MysqlPoolConnection, MysqlQueryResult } from "kysely";
import { createPool, format, type PoolConnection } from "mysql2";
import { toBigInts } from "./bigints.ts";
import { connectionOptions, SESSION_SETTINGS, type ServerAddress } from "./connection-options.ts";
import { classifyFailure, DatabaseUnavailableError } from "./errors.ts";
import { createPoolMonitor, type PoolMonitor } from "./pool-monitor.ts";

/** Time limit for the wait for a free connection, in milliseconds. */
const ACQUIRE_TIMEOUT_MS = 5_000;

/** Time limit of a statement, in milliseconds: after it the server counts as unavailable. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** Maximum number of calls that wait for a connection. */
const MAX_WAITING = 4_096;

type Callback<T> = (error: unknown, result: T) => void;

/**
 * Adapts the driver's pool to Kysely, with three corrections: an error that means "the database is
 * unavailable" is a DatabaseUnavailableError wherever it occurs; a connection lost within a
 * transaction reports its first error, not that of the rollback; and it is destroyed, not reused.
 */
export function openPool(address: ServerAddress, connections: number, monitor = createPoolMonitor()): MysqlPool {
  const options = connectionOptions(address);
  const pool = createPool({
    ...options,
    connectionLimit: connections,
    maxIdle: connections,
    queueLimit: MAX_WAITING,
    // Without parameters the text is not searched for placeholders: it may contain thousands of
    // values.
    queryFormat: (text, values) => (values.length > 0 ? format(text, values, false, options.timezone) : text),
  });
  if (address.password !== undefined) {
    // The pool has no hook for passwords; it copies this property, getter included, for each new
    // connection.
    const { connectionConfig } = (pool as unknown as { readonly config: { readonly connectionConfig: object } }).config;
    Object.defineProperty(connectionConfig, "password", { get: address.password, enumerable: true });
  }
  monitor.observe(pool);
  const guarded = new WeakMap<PoolConnection, MysqlPoolConnection>();
  return {
    getConnection(callback) {
      acquire(pool, monitor, (error, connection) => {
        if (connection === undefined) {
          callback(toConnectError(error), undefined as never);
          return;
        }
        const known = guarded.get(connection);
        if (known !== undefined) {
          callback(undefined, known);
          return;
        }
        const fresh = guard(connection, monitor);
        guarded.set(connection, fresh);
        setUpSession(fresh, (failed) => callback(failed, fresh));
      });
    },
    end: (callback) => pool.end(callback),
  };
}

/** The database is unavailable or busy, unless it answered that access is denied. */
function toConnectError(error: unknown): unknown {
  const answered = error instanceof Error && "errno" in error && classifyFailure(error) === "statement";
  return answered ? error : new DatabaseUnavailableError(error);
}

function acquire(
  pool: ReturnType<typeof createPool>,
  monitor: PoolMonitor,
  callback: Callback<PoolConnection | undefined>,
): void {
  let waiting = true;
  const stopWaiting = monitor.startWaiting();
  const timer = setTimeout(() => {
    waiting = false;
    stopWaiting();
    monitor.countError("busy");
    callback(new Error(`no connection was free for ${ACQUIRE_TIMEOUT_MS} ms`), undefined);
  }, ACQUIRE_TIMEOUT_MS);
  pool.getConnection((error, connection) => {
    if (!waiting) {
      connection?.release();
      return;
    }
    clearTimeout(timer);
    stopWaiting();
    if (error === null) {
      monitor.acquired(connection);
    } else {
      monitor.countError("unreachable");
    }
    callback(error, error === null ? connection : undefined);
  });
}

/** Applies the session settings; all statements are sent at once. */
function setUpSession(connection: MysqlPoolConnection, callback: (failed: unknown) => void): void {
  let open = SESSION_SETTINGS.length;
  let failed: unknown;
  for (const setting of SESSION_SETTINGS) {
    connection.query(setting, [], (error) => {
      failed ??= error ?? undefined;
      open -= 1;
      if (open === 0) {
        if (failed !== undefined) {
          connection.destroy();
        }
        callback(failed);
      }
    });
  }
}

const NOTHING_DONE: MysqlQueryResult = { affectedRows: 0, changedRows: 0, insertId: 0 };

function guard(connection: PoolConnection, monitor: PoolMonitor): MysqlPoolConnection {
  let lost: DatabaseUnavailableError | undefined;
  const destroy = () => {
    monitor.destroyed(connection);
    connection.destroy();
  };
  // The driver removes it from the pool; without a listener a late socket error would end the
  // process.
  connection.on("error", () => {});
  return {
    config: connection.config,
    threadId: connection.threadId,
    connect: () => {},
    destroy,
    release() {
      if (lost === undefined) {
        monitor.released(connection);
        connection.release();
      } else {
        destroy();
      }
    },
    query(sql, values, callback: Callback<MysqlQueryResult> = () => {}) {
      if (lost !== undefined) {
        // The server rolls back by itself. The rollback must succeed, or it would hide the first
        // error.
        const ended = sql === "rollback";
        callback(ended ? null : lost, NOTHING_DONE);
        return NO_STREAM;
      }
      connection.query(
        { sql, values: values?.length ? values : undefined, timeout: STATEMENT_TIMEOUT_MS },
        (error, result, fields) => {
          if (error !== null && classifyFailure(error) === "lost" && lost === undefined) {
            lost = new DatabaseUnavailableError(error);
            monitor.countError("lost");
          }
          if (Array.isArray(result)) {
            toBigInts(result as Record<string, unknown>[], fields);
          }
          callback(lost ?? error, result as unknown as MysqlQueryResult);
        },
      );
      return NO_STREAM;
    },
  };
}

/** Results are never read as a stream. */
const NO_STREAM = {
  stream(): never {
    throw new Error("results are not streamed");
  },
};
