import type { Pool, PoolConnection } from "mysql2";

/** State of a connection pool. */
export interface PoolState {
  readonly inUse: number;
  readonly idle: number;
  /** Calls that wait for a connection. */
  readonly waiting: number;
  /** Errors so far, by kind. */
  readonly errors: ReadonlyMap<PoolErrorKind, number>;
}

/** No connection could be made; none became free in time; one was lost during a statement. */
export type PoolErrorKind = "unreachable" | "busy" | "lost";

/** Tracks the connections of a pool. */
export interface PoolMonitor {
  state(): PoolState;
  countError(kind: PoolErrorKind): void;
  /** A call starts to wait for a connection; the returned function ends the wait. */
  startWaiting(): () => void;
  acquired(connection: PoolConnection): void;
  released(connection: PoolConnection): void;
  /** The connection was destroyed by us: the driver emits no event for that. */
  destroyed(connection: PoolConnection): void;
  observe(pool: Pool): void;
}

export function createPoolMonitor(): PoolMonitor {
  const open = new Set<PoolConnection>();
  const inUse = new Set<PoolConnection>();
  const errors = new Map<PoolErrorKind, number>([
    ["unreachable", 0],
    ["busy", 0],
    ["lost", 0],
  ]);
  let waiting = 0;
  const destroyed = (connection: PoolConnection) => {
    open.delete(connection);
    inUse.delete(connection);
  };
  return {
    state() {
      const idle = open.size - inUse.size;
      // The driver hands out an idle connection in a later turn of the event loop: that is no
      // waiting.
      return { inUse: inUse.size, idle, waiting: idle > 0 ? 0 : waiting, errors };
    },
    countError: (kind) => errors.set(kind, (errors.get(kind) ?? 0) + 1),
    startWaiting() {
      waiting += 1;
      let waits = true;
      return () => {
        waiting -= waits ? 1 : 0;
        waits = false;
      };
    },
    acquired: (connection) => inUse.add(connection),
    released: (connection) => inUse.delete(connection),
    destroyed,
    observe(pool) {
      pool.on("connection", (connection: PoolConnection) => {
        open.add(connection);
        connection.once("end", () => destroyed(connection));
        connection.on("error", () => destroyed(connection));
      });
    },
  };
}
