import type { Pool, PoolConnection } from "mysql2";

/** What a pool's connections are doing. */
export interface PoolState {
  readonly inUse: number;
  readonly idle: number;
  /** Calls that wait for one. */
  readonly waiting: number;
  /** What has gone wrong so far, and how often. */
  readonly troubles: ReadonlyMap<PoolTrouble, number>;
}

/** What went wrong with a pool's connections: none could be made; none was free in time; one broke under a statement. */
export type PoolTrouble = "unreachable" | "busy" | "lost";

/** Looks on as a pool is used. */
export interface PoolWatch {
  state(): PoolState;
  trouble(kind: PoolTrouble): void;
  /** Somebody waits for a connection, until what this returns is called. */
  wait(): () => void;
  handedOut(connection: PoolConnection): void;
  givenBack(connection: PoolConnection): void;
  /** It was destroyed by us, of which its events tell nothing. */
  gone(connection: PoolConnection): void;
  follow(pool: Pool): void;
}

export function createPoolWatch(): PoolWatch {
  const open = new Set<PoolConnection>();
  const inUse = new Set<PoolConnection>();
  const troubles = new Map<PoolTrouble, number>([
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
      return { inUse: inUse.size, idle, waiting: idle > 0 ? 0 : waiting, troubles };
    },
    trouble: (kind) => troubles.set(kind, (troubles.get(kind) ?? 0) + 1),
    wait() {
      waiting += 1;
      let waits = true;
      return () => {
        waiting -= waits ? 1 : 0;
        waits = false;
      };
    },
    handedOut: (connection) => inUse.add(connection),
    givenBack: (connection) => inUse.delete(connection),
    gone,
    follow(pool) {
      pool.on("connection", (connection: PoolConnection) => {
        open.add(connection);
        connection.once("end", () => gone(connection));
        connection.on("error", () => gone(connection));
      });
    },
  };
}
