import type { Config } from "../config/load.ts";
import { forEachSystem } from "../integrations/systems.ts";
import { readBackendTls } from "./backend-credentials.ts";
import type { Endpoints } from "./build.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** What is embedded, for a person to know. */
export interface Embedded {
  readonly servers: boolean;
  /** The neighbours' page; undefined where all addresses are configured. */
  readonly stubSystemsUrl: string | undefined;
}

/**
 * Finds the servers and neighbours: those that are configured, and for development an embedded one for each that is not. The embedded
 * parts are not even loaded where nothing needs them.
 */
export async function resolveEndpoints(
  config: Config,
  lifecycle: Lifecycle,
  say: (line: string) => void,
): Promise<{ readonly surroundings: Endpoints; readonly embedded: Embedded }> {
  const { dataDir } = config.service;
  const [mysqlUrl, redisUrl, natsUrl] = [config.mysql.url, config.redis.url, config.nats.url];
  const trust = readBackendTls(config);
  const need = { mysql: mysqlUrl === undefined, redis: redisUrl === undefined, nats: natsUrl === undefined };
  const servers = need.mysql || need.redis || need.nats;
  const stack = servers
    ? await lifecycle.start(
        "embedded servers",
        async () => (await import("../../tools/devstack/index.ts")).startStack({ dataDir, need, onProgress: say }),
        (running) => running.stop(),
      )
    : undefined;
  const stubs = Object.values(config.systemUrls).includes(undefined)
    ? await lifecycle.start(
        "stub systems",
        async () => (await import("../../tools/devstack/index.ts")).startStubSystems({ dataDir, onProgress: say }),
        (running) => running.stop(),
      )
    : undefined;
  return {
    surroundings: {
      ...trust,
      mysqlUrl: known(mysqlUrl ?? stack?.mysqlUrl),
      redisUrl: known(redisUrl ?? stack?.redisUrl),
      natsUrl: known(natsUrl ?? stack?.natsUrl),
      systemUrls: forEachSystem((name) => known(config.systemUrls[name] ?? stubs?.urls[name])),
    },
    embedded: { servers, stubSystemsUrl: stubs?.url },
  };
}

function known(url: string | undefined): string {
  if (url === undefined) {
    throw new Error("an embedded part did not say where it is");
  }
  return url;
}
