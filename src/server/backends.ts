import type { Redis } from "ioredis";
import type { Config } from "../config/load.ts";
import { openRedis } from "../integrations/redis.ts";
import { connectStream, type StreamConnection } from "../messaging/nats/connection.ts";
import { DEFAULT_TOPOLOGY } from "../messaging/nats/topology.ts";
import type { Logger } from "../observability/log.ts";
import { migrate } from "../store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../store/mysql/database.ts";
import { checkPrivileges } from "../store/users/check-privileges.ts";
import { SERVICE_PRIVILEGES } from "../store/users/grants.ts";
import { checkConnectionLimit, poolSize } from "./database-connections.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { WorkerPlace } from "./processes/worker.ts";

/** Connections to the backends. */
export interface Backends {
  readonly db: OrderDatabase;
  readonly stream: StreamConnection;
  readonly redis: Redis;
}

export interface BackendDeps {
  readonly config: Config;
  readonly endpoints: Endpoints;
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Undefined: this process is the only one. */
  readonly worker?: WorkerPlace | undefined;
}

/** Opens the database; it is not migrated. */
export function connectDatabase({ config, endpoints, lifecycle }: BackendDeps): Promise<OrderDatabase> {
  return lifecycle.start(
    "database",
    () =>
      openDatabase({
        url: endpoints.mysqlUrl,
        ca: endpoints.mysqlCa,
        password: endpoints.mysqlPassword,
        prefix: config.mysql.databasePrefix,
        connections: poolSize(config),
      }),
    (database) => database.destroy(),
  );
}

/**
 * Opens and migrates the database, and connects to the broker and Redis; the latter two connect in
 * the background, and may be unavailable.
 *
 * @throws MigrationPermissionError, MissingPrivilegesError, DatabaseUnavailableError and the
 *   driver's errors
 */
export async function connectBackends(deps: BackendDeps): Promise<Backends> {
  const { config, endpoints, lifecycle, log, worker } = deps;
  const db = await connectDatabase(deps);
  const { applied } = await migrate(db);
  log.info({ applied }, "database is up to date");
  await checkPrivileges(db.location, SERVICE_PRIVILEGES);
  await db.clock.sync();
  if (worker === undefined || worker.number === 1) {
    await checkConnectionLimit(db, config, log);
  }
  const stream = await lifecycle.start(
    "stream",
    () =>
      connectStream({
        url: endpoints.natsUrl,
        ca: endpoints.natsCa,
        credsFile: endpoints.natsCredsFile,
        password: endpoints.natsPassword,
        log,
        topology: { ...DEFAULT_TOPOLOGY, duplicateWindowMs: config.nats.duplicateWindowMs },
      }),
    (connection) => connection.close(),
  );
  const redis = await lifecycle.start(
    "redis",
    () => openRedis({ url: endpoints.redisUrl, ca: endpoints.redisCa, password: endpoints.redisPassword, log }),
    (connection) => connection.disconnect(),
  );
  return { db, stream, redis };
}
