import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemVariables } from "../../src/integrations/systems.ts";
import { prepareDatabase } from "../../src/store/users/prepare-database.ts";
import { choosePort } from "../devstack/ports.ts";
import type { Endpoints } from "./backends.ts";
import { type Child, startScript } from "./child.ts";

export interface ServiceProcessOptions {
  readonly endpoints: Endpoints;
  /** Overrides of the default configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** Free ports by default. */
  readonly ports?: { readonly grpc: number; readonly http: number };
  /** Folder of the repository whose service is started; this repository by default. */
  readonly root?: string;
  /** File that the output is appended to; without it only the tail of standard error is kept. */
  readonly logFile?: string;
}

/** One process of the service, ready for calls. */
export interface ServiceProcess {
  readonly child: Child;
  readonly grpcPort: number;
  readonly httpPort: number;
}

const POLL_MS = 50;
const ROOT = join(import.meta.dirname, "../..");

/** True when the service is ready and connected to the broker and to Redis. */
export async function isReady(httpPort: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/readyz`).catch(() => undefined);
  if (response?.ok !== true) {
    return false;
  }
  const { broker, redis } = (await response.json()) as { broker: string; redis: string };
  return broker === "ok" && redis === "ok";
}

/** Two free ports. */
export async function chooseServicePorts(): Promise<{ readonly grpc: number; readonly http: number }> {
  const grpc = await choosePort();
  let http = await choosePort();
  while (http === grpc) {
    http = await choosePort();
  }
  return { grpc, http };
}

/**
 * Starts the service with the Node flags of production, and waits until it is ready.
 *
 * @throws Error with the end of its output when it exits before it is ready
 */
export async function startServiceProcess({
  endpoints,
  env,
  ports,
  root = ROOT,
  logFile,
}: ServiceProcessOptions): Promise<ServiceProcess> {
  const { mysqlUrls } = endpoints;
  // A previous version migrates by itself, as the administrator.
  const asServiceUser = mysqlUrls !== undefined && root === ROOT;
  if (asServiceUser) {
    const urls = { administrator: mysqlUrls.root, migrations: mysqlUrls.oms_migrate };
    await prepareDatabase(urls, env?.OMS_DATABASE_PREFIX ?? "");
  }
  const { grpc: grpcPort, http: httpPort } = ports ?? (await chooseServicePorts());
  const child = startScript("src/main.ts", {
    root,
    nodeFlags: JSON.parse(readFileSync(join(root, "scripts/service-flags.json"), "utf8")) as string[],
    output: logFile === undefined ? "discard" : { file: logFile },
    env: {
      OMS_MYSQL_URL: asServiceUser ? mysqlUrls.oms_service : endpoints.mysqlUrl,
      OMS_NATS_URL: endpoints.natsUrl,
      OMS_REDIS_URL: endpoints.redisUrl,
      ...systemVariables(endpoints.systemUrls),
      OMS_GRPC_PORT: String(grpcPort),
      OMS_HTTP_PORT: String(httpPort),
      OMS_LOG_LEVEL: "warn",
      ...env,
    },
  });
  while (!(await isReady(httpPort))) {
    if (child.exitCode() !== undefined) {
      const output = logFile === undefined ? child.stderr() : readFileSync(logFile, "utf8");
      throw new Error(`the service exited with code ${child.exitCode()} before it was ready:\n${output}`);
    }
    await sleep(POLL_MS);
  }
  return { child, grpcPort, httpPort };
}
