import type { Redis } from "ioredis";
import { sql } from "kysely";
import { withTimeout } from "../lib/async.ts";
import type { StreamConnection } from "../messaging/nats/connection.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";
import type { Readiness } from "../transport/http/pages.ts";

/** Timeout (ms) of the database check; a slower database cannot commit changes in time either. */
const DATABASE_TIMEOUT_MS = 2_000;

/** The state of the server, one for all ports. */
export interface ReadinessMonitor {
  check(): Promise<Readiness>;
  /** Not ready from now on: the server is shutting down. */
  startDraining(): void;
}

/**
 * Ready means that changes can be committed. Only the database decides; without the broker or Redis
 * the service continues to accept changes.
 */
export function createReadinessMonitor({
  db,
  stream,
  redis,
}: {
  readonly db: OrderDatabase;
  readonly stream: StreamConnection;
  readonly redis: Redis;
}): ReadinessMonitor {
  let draining = false;
  let running: Promise<string> | undefined;

  /** At most one check at a time, however many ask for it. */
  function databaseState(): Promise<string> {
    running ??= withTimeout(checkDatabase(db), DATABASE_TIMEOUT_MS).then((state) => {
      running = undefined;
      return state ?? "timed out: changes cannot be committed";
    });
    return running;
  }

  return {
    async check() {
      const database = await databaseState();
      return {
        ready: database === "ok" && !draining,
        draining,
        database,
        broker: stream.client() === undefined ? "unreachable: events are buffered in the outbox" : "ok",
        redis: redis.status === "ready" ? "ok" : "unreachable: Actions that need it are retried",
      };
    },
    startDraining() {
      draining = true;
    },
  };
}

async function checkDatabase(db: OrderDatabase): Promise<string> {
  try {
    await sql`select 1`.execute(db);
    return "ok";
  } catch {
    return "unreachable: changes cannot be committed";
  }
}
