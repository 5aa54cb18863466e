import { sql } from "kysely";
import type { Config } from "../config/load.ts";
import type { Logger } from "../observability/log.ts";
import type { OrderDatabase } from "../store/mysql/database.ts";

/** Connections in the pool of one process, and of all processes that a default pool is made for. */
const POOL_SIZE = 8;
const POOLS_SIZE = 32;
const MIN_POOL_SIZE = 4;

type Settings = {
  readonly mysql: Pick<Config["mysql"], "connections">;
  readonly service: Pick<Config["service"], "processes">;
  readonly commits: Config["commits"];
};

/** Maximum number of pooled connections of one process. */
export function poolSize({ mysql, service: { processes } }: Pick<Settings, "mysql" | "service">): number {
  return mysql.connections ?? Math.max(MIN_POOL_SIZE, Math.min(POOL_SIZE, Math.floor(POOLS_SIZE / processes)));
}

/**
 * Maximum number of connections to the database of all processes: in each the pool, those of the
 * committer (one per concurrent commit, one for locked orders), and one that belongs to the start
 * or to the retention job.
 */
export function maxDatabaseConnections(settings: Settings): number {
  return settings.service.processes * (poolSize(settings) + settings.commits.concurrency + 2);
}

/** Logs a warning when the processes may open more connections than the database accepts. */
export async function checkConnectionLimit(db: OrderDatabase, config: Settings, log: Logger): Promise<void> {
  const { rows } = await sql<{ total: unknown; per_user: unknown }>`
    select @@max_connections as total, @@max_user_connections as per_user`.execute(db);
  // 0: no limit per user.
  const limits = [Number(rows[0]?.total), Number(rows[0]?.per_user)].filter((limit) => limit > 0);
  const accepted = Math.min(...limits);
  const required = maxDatabaseConnections(config);
  if (required > accepted) {
    log.warn(
      { required, accepted, processes: config.service.processes, pool: poolSize(config) },
      "the database accepts fewer connections than this server may open; raise max_connections, or reduce OMS_MYSQL_CONNECTIONS or OMS_PROCESSES",
    );
  }
}
