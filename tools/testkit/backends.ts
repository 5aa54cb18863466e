import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SystemUrls } from "../../src/integrations/systems.ts";
import { type Stack, startStack, startStubSystems } from "../devstack/index.ts";
import { readState } from "../devstack/state.ts";
import { mysql } from "./mysql.ts";
import { ensureMysql } from "./mysql-program.ts";
import { cpuSecondsOf, residentMemoryOf } from "./process-usage.ts";

/** Addresses of the backends and of the stub systems. */
export interface Endpoints {
  /** For the administrator. */
  readonly mysqlUrl: string;
  /** By user; undefined if they are not known. Services then run as the administrator. */
  readonly mysqlUrls?: Stack["mysqlUrls"];
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly systemUrls: SystemUrls;
}

/** The database servers that `startBackends` can start. */
export const ENGINES = ["mariadb", "mysql"] as const;

export type Engine = (typeof ENGINES)[number];

export type BackendName = Engine | "nats" | "redis" | "stub-systems";

type ByName = Readonly<Partial<Record<BackendName, number>>>;

/** Backends and stub systems that run as processes of their own. */
export interface BackendProcesses {
  readonly endpoints: Endpoints;
  /** Base URL of the stub systems, with `/control` and `/received`. */
  readonly stubSystemsUrl: string;
  /** Processor time so far, in seconds. */
  cpu(): ByName;
  /** Resident memory in MB. */
  memory(): ByName;
  stop(): Promise<void>;
}

/**
 * Starts backends with production durability; their data is in a temporary folder that `stop`
 * removes. MySQL is downloaded if it is not installed.
 */
export async function startBackends(
  onProgress: (line: string) => void,
  engine: Engine = "mariadb",
): Promise<BackendProcesses> {
  const database =
    engine === "mysql" ? ({ name: "mysql", kind: mysql, program: await ensureMysql(onProgress) } as const) : undefined;
  const dataDir = await mkdtemp(join(tmpdir(), "oms-backends-"));
  const remove = () => rm(dataDir, { recursive: true, force: true });
  const need = { mysql: true, redis: true, nats: true };
  const stack = await startStack({ dataDir, need, database, onProgress }).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const stubSystems = await startStubSystems({ dataDir, onProgress });
  const byName = (measure: (pid: number) => number) => {
    const { servers } = readState(dataDir);
    const names: readonly BackendName[] = [engine, "nats", "redis", "stub-systems"];
    return Object.fromEntries(names.map((name) => [name, measure(servers[name]?.process?.pid ?? 0)]));
  };
  const { mysqlUrl = "", mysqlUrls, natsUrl = "", redisUrl = "" } = stack;
  return {
    endpoints: { mysqlUrl, mysqlUrls, natsUrl, redisUrl, systemUrls: stubSystems.urls },
    stubSystemsUrl: stubSystems.url,
    cpu: () => byName(cpuSecondsOf),
    memory: () => byName(residentMemoryOf),
    async stop() {
      await stubSystems.stop();
      await stack.stop();
      await remove();
    },
  };
}
