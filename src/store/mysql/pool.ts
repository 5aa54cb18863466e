import type { MysqlPool, MysqlPoolConnection, MysqlQueryResult } from "kysely";
import { createPool, type FieldPacket, format, type PoolConnection } from "mysql2";
import { connectionOptions, SESSION_SETTINGS, type ServerAddress } from "./connection-options.ts";
import { DatabaseUnavailableError } from "./errors.ts";
import { classifyFailure } from "./failures.ts";
import { createPoolMonitor, type PoolMonitor } from "./pool-monitor.ts";

/** How long a call waits for a free connection, in milliseconds. */
const ACQUIRE_TIMEOUT_MS = 5_000;

/** How long a statement may take, in milliseconds: a server that hangs counts as away. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** How many calls may wait for a connection. */
const MAX_WAITING = 4_096;

type Callback<T> = (error: unknown, result: T) => void;

/**
 * The driver's pool, as Kysely sees it, with three things put right: an error that means "the database is away" is a
 * DatabaseUnavailableError wherever it turns up; a connection that died within a transaction tells its first error and not that of the
 * rollback after it; and it is destroyed, never given out again.
 */
export function openPool(address: ServerAddress, connections: number, watch = createPoolMonitor()): MysqlPool {
  const options = connectionOptions(address);
  const pool = createPool({
    ...options,
    connectionLimit: connections,
    maxIdle: connections,
    queueLimit: MAX_WAITING,
    // A text without parameters need not be searched for their places: it may have thousands of values in it.
    queryFormat: (text, values) => (values.length > 0 ? format(text, values, false, options.timezone) : text),
  });
  watch.observe(pool);
  const guarded = new WeakMap<PoolConnection, MysqlPoolConnection>();
  return {
    getConnection(callback) {
      acquire(pool, watch, (error, connection) => {
        if (connection === undefined) {
          callback(asRefusal(error), undefined as never);
          return;
        }
        const known = guarded.get(connection);
        if (known !== undefined) {
          callback(undefined, known);
          return;
        }
        const fresh = guard(connection, watch);
        guarded.set(connection, fresh);
        prepare(fresh, (failed) => callback(failed, fresh));
      });
    },
    end: (callback) => pool.end(callback),
  };
}

/** Why no connection was had: the database is away or busy, unless it says that we may not come in. */
function asRefusal(error: unknown): unknown {
  const answered = error instanceof Error && "errno" in error && classifyFailure(error) === "statement";
  return answered ? error : new DatabaseUnavailableError(error);
}

function acquire(
  pool: ReturnType<typeof createPool>,
  watch: PoolMonitor,
  callback: Callback<PoolConnection | undefined>,
): void {
  let waiting = true;
  const waited = watch.startWaiting();
  const timer = setTimeout(() => {
    waiting = false;
    waited();
    watch.countError("busy");
    callback(new Error(`no connection was free for ${ACQUIRE_TIMEOUT_MS} ms`), undefined);
  }, ACQUIRE_TIMEOUT_MS);
  pool.getConnection((error, connection) => {
    if (!waiting) {
      connection?.release();
      return;
    }
    clearTimeout(timer);
    waited();
    if (error === null) {
      watch.acquired(connection);
    } else {
      watch.countError("unreachable");
    }
    callback(error, error === null ? connection : undefined);
  });
}

/** Sets the session up; the statements go out at once, one answer after the other. */
function prepare(connection: MysqlPoolConnection, callback: (failed: unknown) => void): void {
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

function guard(connection: PoolConnection, watch: PoolMonitor): MysqlPoolConnection {
  let lost: DatabaseUnavailableError | undefined;
  const destroy = () => {
    watch.destroyed(connection);
    connection.destroy();
  };
  // The driver removes it from the pool by itself; without a listener a late socket error would end the process.
  connection.on("error", () => {});
  return {
    config: connection.config,
    threadId: connection.threadId,
    connect: () => {},
    destroy,
    release() {
      if (lost === undefined) {
        watch.released(connection);
        connection.release();
      } else {
        destroy();
      }
    },
    query(sql, values, callback: Callback<MysqlQueryResult> = () => {}) {
      if (lost !== undefined) {
        // The server rolls back what it was left with: let the transaction end, so that its first error comes through.
        const ended = sql === "rollback";
        callback(ended ? null : lost, NOTHING_DONE);
        return NO_STREAM;
      }
      connection.query(
        { sql, values: values?.length ? values : undefined, timeout: STATEMENT_TIMEOUT_MS },
        (error, result, fields) => {
          if (error !== null && classifyFailure(error) === "lost" && lost === undefined) {
            lost = new DatabaseUnavailableError(error);
            watch.countError("lost");
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

/** The type's number in the protocol. */
const BIGINT = 8;

/**
 * BIGINT is a bigint in every result. Here, for whole columns: the driver's own hook is called for each value of each type, which costs
 * more than reading the row.
 */
function toBigInts(rows: readonly Record<string, unknown>[], fields: readonly FieldPacket[]): void {
  for (const { name, columnType } of fields) {
    if (columnType === BIGINT) {
      for (const row of rows) {
        const text = row[name];
        row[name] = text === null ? null : BigInt(text as string);
      }
    }
  }
}

/** Nobody here reads results as a stream. */
const NO_STREAM = {
  stream(): never {
    throw new Error("results are not streamed");
  },
};
