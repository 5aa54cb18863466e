import type { Redis } from "ioredis";
import { sql } from "kysely";
import { withTimeout } from "../lib/async.ts";
import type { StreamConnection } from "../messaging/nats/connection.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";
import type { Readiness } from "../transport/http/pages.ts";

/** How long the database has for its answer, in milliseconds: beyond it no change can be committed in time either. */
const DATABASE_LIMIT_MS = 2_000;

/** Tells whether changes can be committed: the database alone decides, the broker and Redis may be away without harm. */
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
      (await withTimeout(askDatabase(db), DATABASE_LIMIT_MS)) ?? "does not answer: nothing can be committed";
    return {
      ready: database === "ok",
      database,
      broker: stream.client() === undefined ? "out of reach: events wait in the database" : "ok",
      redis: redis.status === "ready" ? "ok" : "out of reach: the Actions that need it wait",
    };
  };
}

async function askDatabase(db: OrderDatabase): Promise<string> {
  try {
    await sql`select 1`.execute(db);
    return "ok";
  } catch {
    return "out of reach: nothing can be committed";
  }
}
