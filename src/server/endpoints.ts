import type { Config } from "../config/load.ts";
import { forEachSystem, type SystemUrls } from "../integrations/systems.ts";
import { prepareDatabase } from "../store/users/prepare-database.ts";
import { type BackendTls, readBackendTls } from "./backend-credentials.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** URLs of the backends and external systems, configured or embedded. */
export interface EndpointUrls {
  readonly mysqlUrl: string;
  /** The database for the user of the retention job; undefined: that of `mysqlUrl`. */
  readonly retentionMysqlUrl?: string | undefined;
  readonly redisUrl: string;
  readonly natsUrl: string;
  readonly systemUrls: SystemUrls;
}

/** URLs and credentials of the backends and external systems. */
export interface Endpoints extends BackendTls, EndpointUrls {}

export interface ResolvedEndpoints {
  readonly urls: EndpointUrls;
  /** For the credentials in the configuration. */
  readonly tls: BackendTls;
  /** The page of the embedded stub systems; undefined if all external systems are configured. */
  readonly stubSystemsUrl: string | undefined;
  /** The embedded database for its administrator; undefined if a database is configured. */
  readonly administratorUrl: string | undefined;
}

/**
 * Resolves the configured endpoints and, for development, starts an embedded server or stub system
 * for each one that is not configured. The devstack is loaded only if it is needed.
 *
 * @throws ConfigError for unusable credentials; StackError if an embedded server does not start
 */
export async function resolveEndpoints(
  config: Config,
  lifecycle: Lifecycle,
  print: (line: string) => void,
): Promise<ResolvedEndpoints> {
  const { mysql, redis, nats, retention, systemUrls } = config;
  const options = { dataDir: config.service.dataDir, onProgress: print };
  const tls = readBackendTls(config);
  const need = { mysql: mysql.url === undefined, redis: redis.url === undefined, nats: nats.url === undefined };
  const stack = Object.values(need).includes(true)
    ? await lifecycle.start(
        "embedded servers",
        async () => (await import("../../tools/devstack/index.ts")).startStack({ ...options, need }),
        (running) => running.stop(),
      )
    : undefined;
  const stubSystems = Object.values(systemUrls).includes(undefined)
    ? await lifecycle.start(
        "stub systems",
        async () => (await import("../../tools/devstack/index.ts")).startStubSystems(options),
        (running) => running.stop(),
      )
    : undefined;
  const users = stack?.mysqlUrls;
  if (users !== undefined) {
    const { applied } = await prepareDatabase(
      { administrator: users.root, migrations: users.oms_migrate },
      mysql.databasePrefix,
    );
    if (applied.length > 0) {
      print(`Applied the migrations ${applied.join(", ")}.`);
    }
  }
  return {
    administratorUrl: users?.root,
    tls,
    urls: {
      mysqlUrl: resolved(mysql.url ?? users?.oms_service),
      retentionMysqlUrl: retention.mysqlUrl ?? users?.oms_retention,
      redisUrl: resolved(redis.url ?? stack?.redisUrl),
      natsUrl: resolved(nats.url ?? stack?.natsUrl),
      systemUrls: forEachSystem((name) => systemUrls[name] ?? `${stubSystems?.url}/${name}`),
    },
    stubSystemsUrl: stubSystems?.url,
  };
}

function resolved(url: string | undefined): string {
  if (url === undefined) {
    throw new Error("an embedded server started without a URL");
  }
  return url;
}
