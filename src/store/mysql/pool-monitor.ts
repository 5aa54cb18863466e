import type { Pool, PoolConnection } from "mysql2";

/** What a pool's connections are doing. */
export interface PoolState {
  readonly inUse: number;
  readonly idle: number;
  /** Calls that wait for one. */
  readonly waiting: number;
  /** What has gone wrong so far, and how often. */
  readonly errors: ReadonlyMap<PoolErrorKind, number>;
}

/** What went wrong with a pool's connections: none could be made; none was free in time; one broke under a statement. */
export type PoolErrorKind = "unreachable" | "busy" | "lost";

/** Looks on as a pool is used. */
export interface PoolMonitor {
  state(): PoolState;
  countError(kind: PoolErrorKind): void;
  /** Somebody waits for a connection, until what this returns is called. */
  startWaiting(): () => void;
  acquired(connection: PoolConnection): void;
  released(connection: PoolConnection): void;
  /** It was destroyed by us, of which its events tell nothing. */
  destroyed(connection: PoolConnection): void;
  observe(pool: Pool): void;
}

export function createPoolMonitor(): PoolMonitor {
  const open = new Set<PoolConnection>();
  const inUse = new Set<PoolConnection>();
  const troubles = new Map<PoolErrorKind, number>([
    ["unreachable", 0],
    ["busy", 0],
    ["lost", 0],
  ]);
  let waiting = 0;
  const gone = (connection: PoolConnection) => {
    open.delete(connection);
    inUse.delete(connection);
  };
  return {
    state() {
      const idle = open.size - inUse.size;
      // The driver hands an idle one out in a turn of its own: that is no waiting.
      return { inUse: inUse.size, idle, waiting: idle > 0 ? 0 : waiting, errors: troubles };
    },
    countError: (kind) => troubles.set(kind, (troubles.get(kind) ?? 0) + 1),
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
    destroyed: gone,
    observe(pool) {
      pool.on("connection", (connection: PoolConnection) => {
        open.add(connection);
        connection.once("end", () => gone(connection));
        connection.on("error", () => gone(connection));
      });
    },
  };
}
