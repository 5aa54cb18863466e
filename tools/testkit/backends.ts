import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStack, startStubSystems } from "../devstack/index.ts";
import { readState } from "../devstack/state.ts";
import { cpuSecondsOf, residentMemoryOf } from "./process-usage.ts";

/** Where the run's servers and neighbours are, shared by all sides, one after the other. */
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

export const BACKEND_NAMES = ["mariadb", "nats", "redis", "neighbours"] as const;

export type BackendName = (typeof BACKEND_NAMES)[number];

/** The run's servers, as processes. */
export interface BackendProcesses {
  readonly servers: Endpoints;
  /** The neighbours' page, with `/control` and `/received`. */
  readonly neighboursUrl: string;
  /** Seconds of processor time so far. */
  cpu(): Readonly<Record<BackendName, number>>;
  /** Resident memory in MB. */
  memory(): Readonly<Record<BackendName, number>>;
  stop(): Promise<void>;
}

/** Starts them durable, as for production, with data of their own in a temporary folder that goes with them. */
export async function startBackends(say: (line: string) => void): Promise<BackendProcesses> {
  const dataDir = await mkdtemp(join(tmpdir(), "oms-bench-"));
  const remove = () => rm(dataDir, { recursive: true, force: true });
  const stack = await startStack({ dataDir, need: { mysql: true, redis: true, nats: true }, say }).catch(
    async (error: unknown) => {
      await remove();
      throw error;
    },
  );
  const neighbours = await startStubSystems({ dataDir, say });
  const byName = (measure: (pid: number) => number) => {
    const { servers } = readState(dataDir);
    return Object.fromEntries(BACKEND_NAMES.map((name) => [name, measure(servers[name]?.process?.pid ?? 0)])) as Record<
      BackendName,
      number
    >;
  };
  const { mysqlUrl = "", natsUrl = "", redisUrl = "" } = stack;
  return {
    servers: { mysqlUrl, natsUrl, redisUrl, ...neighbours.urls },
    neighboursUrl: neighbours.url,
    cpu: () => byName(cpuSecondsOf),
    memory: () => byName(residentMemoryOf),
    async stop() {
      await neighbours.stop();
      await stack.stop();
      await remove();
    },
  };
}
