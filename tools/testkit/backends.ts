import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStack, startStubSystems } from "../devstack/index.ts";
import { readState } from "../devstack/state.ts";
import { cpuSecondsOf, residentMemoryOf } from "./process-usage.ts";

/** Endpoints of the run's backends and stub systems, used by all sides in turn. */
export interface Endpoints {
  readonly mysqlUrl: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly einvoiceUrl: string;
  readonly financeUrl: string;
  readonly messageUrl: string;
  readonly erpUrl: string;
  readonly wmsUrl: string;
}

export const BACKEND_NAMES = ["mariadb", "nats", "redis", "stub-systems"] as const;

export type BackendName = (typeof BACKEND_NAMES)[number];

/** The run's backends and stub systems, as processes. */
export interface BackendProcesses {
  readonly servers: Endpoints;
  /** Base URL of the stub systems, with `/control` and `/received`. */
  readonly stubSystemsUrl: string;
  /** Seconds of processor time so far. */
  cpu(): Readonly<Record<BackendName, number>>;
  /** Resident memory in MB. */
  memory(): Readonly<Record<BackendName, number>>;
  stop(): Promise<void>;
}

/** Starts them durable, as in production, with data in a temporary folder that is removed on stop. */
export async function startBackends(onProgress: (line: string) => void): Promise<BackendProcesses> {
  const dataDir = await mkdtemp(join(tmpdir(), "oms-bench-"));
  const remove = () => rm(dataDir, { recursive: true, force: true });
  const stack = await startStack({ dataDir, need: { mysql: true, redis: true, nats: true }, onProgress }).catch(
    async (error: unknown) => {
      await remove();
      throw error;
    },
  );
  const stubSystems = await startStubSystems({ dataDir, onProgress });
  const byName = (measure: (pid: number) => number) => {
    const { servers } = readState(dataDir);
    return Object.fromEntries(BACKEND_NAMES.map((name) => [name, measure(servers[name]?.process?.pid ?? 0)])) as Record<
      BackendName,
      number
    >;
  };
  const { mysqlUrl = "", natsUrl = "", redisUrl = "" } = stack;
  return {
    servers: { mysqlUrl, natsUrl, redisUrl, ...stubSystems.urls },
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
