import type { Redis } from "ioredis";
import { sql } from "kysely";
import { withTimeout } from "../lib/async.ts";
import type { StreamConnection } from "../messaging/nats/connection.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";
import type { Readiness } from "../transport/http/pages.ts";

/** Timeout (ms) of the database check; a slower database cannot commit changes in time either. */
const DATABASE_TIMEOUT_MS = 2_000;

/**
 * The readiness check: ready means that changes can be committed. Only the database decides;
 * without the broker or Redis the service continues to accept changes.
 */
export function createReadinessCheck({
  db,
  stream,
  redis,
}: {
  readonly db: OrderDatabase;
  readonly stream: StreamConnection;
  readonly redis: Redis;
}): () => Promise<Readiness> {
  return async () => {
    const database =
      (await withTimeout(checkDatabase(db), DATABASE_TIMEOUT_MS)) ?? "timed out: changes cannot be committed";
    return {
      ready: database === "ok",
      database,
      broker: stream.client() === undefined ? "unreachable: events are buffered in the outbox" : "ok",
      redis: redis.status === "ready" ? "ok" : "unreachable: Actions that need it are retried",
    };
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
