import { afterAll, beforeAll, inject } from "vitest";
import { readConfig } from "../../src/config/load.ts";
import { forEachSystem } from "../../src/integrations/systems.ts";
import { createLogger } from "../../src/observability/log.ts";
import { buildServer } from "../../src/server/build.ts";
import type { Endpoints } from "../../src/server/endpoints.ts";
import { type OrderDatabase, openDatabase } from "../../src/store/mysql/database.ts";
import { prepareDatabase } from "../../src/store/users/prepare-database.ts";
import { type Clients, type OrderStatusClient, TRANSPORTS, type TransportName } from "./clients.ts";
import { useMariadb } from "./servers.ts";

/** A server in this process, built like the real one. */
export interface Service {
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Its log lines, oldest first. */
  readonly log: Record<string, unknown>[];
  /** Shuts it down. */
  stop(): Promise<void>;
}

/** Endpoints without a listener, for what a test does not need. */
const UNREACHABLE: Endpoints = {
  mysqlUrl: "",
  redisUrl: "redis://127.0.0.1:1",
  natsUrl: "nats://127.0.0.1:1",
  systemUrls: forEachSystem((name) => `http://127.0.0.1:1/${name}`),
};

/** The databases that this test file has prepared, by prefix. */
const prepared: Record<string, Promise<unknown>> = {};

/**
 * Migrates the databases and returns the URLs of the service's own users, so that every test
 * exercises their privileges. Another user than the administrator is left as it is.
 */
async function asServiceUsers({ url, prefix }: { readonly url: string; readonly prefix: string }) {
  const passwords = inject("passwords").mariadb;
  const urlOf = (user: keyof typeof passwords) =>
    Object.assign(new URL(url), { username: user, password: passwords[user] }).href;
  if (new URL(url).username !== "root") {
    return { mysqlUrl: url };
  }
  prepared[prefix] ??= prepareDatabase({ administrator: url, migrations: urlOf("oms_migrate") }, prefix);
  await prepared[prefix];
  return { mysqlUrl: urlOf("oms_service"), retentionMysqlUrl: urlOf("oms_retention") };
}

/**
 * Starts a server on free ports. It answers calls and runs no Actions, so that a test can look at
 * what is open.
 *
 * @param endpoints the backends and external systems it needs besides its database
 * @param env further configuration
 */
export async function startService(
  location: { readonly url: string; readonly prefix: string },
  endpoints: Partial<Endpoints> = {},
  env: Record<string, string> = {},
): Promise<Service> {
  const log: Record<string, unknown>[] = [];
  const logger = createLogger("debug", { write: (line: string) => void log.push(JSON.parse(line)) });
  const config = readConfig({
    OMS_ROLE: "serve",
    OMS_GRPC_PORT: "0",
    OMS_HTTP_PORT: "0",
    OMS_DATABASE_PREFIX: location.prefix,
    ...env,
  });
  const server = buildServer({
    config,
    endpoints: { ...UNREACHABLE, ...(await asServiceUsers(location)), ...endpoints },
    log: logger,
  });
  const ports = await server.start().catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  return { grpcPort: ports.grpc as number, httpPort: ports.http, log, stop: () => server.stop() };
}

/** A server for the tests of a file, with its tables and clients for each transport. */
export function useService(env: Record<string, string> = {}): {
  readonly service: Service;
  readonly db: OrderDatabase;
  readonly location: { readonly url: string; readonly prefix: string };
  client(transport: TransportName): OrderStatusClient;
  /** The clients of all services. */
  clients(transport: TransportName): Clients;
} {
  const location = useMariadb();
  const db = openDatabase(location);
  const opened = new Map<TransportName, ReturnType<(typeof TRANSPORTS)[TransportName]>>();
  let service: Service | undefined;
  const up = () => {
    if (service === undefined) {
      throw new Error("the service starts in beforeAll: use it in a hook or a test");
    }
    return service;
  };
  beforeAll(async () => {
    service = await startService(location, {}, env);
  });
  afterAll(async () => {
    for (const { close } of opened.values()) {
      close();
    }
    await service?.stop();
    await db.destroy();
  });
  const clients = (transport: TransportName): Clients => {
    let open = opened.get(transport);
    if (open === undefined) {
      open = TRANSPORTS[transport](up());
      opened.set(transport, open);
    }
    return open;
  };
  return {
    db,
    location,
    get service() {
      return up();
    },
    client: (transport) => clients(transport).client,
    clients,
  };
}
