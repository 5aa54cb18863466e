import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStubSystems, startStack } from "../../tools/devstack/index.ts";
import { readState } from "../../tools/devstack/state.ts";
import { cpuOf, memoryOf } from "./usage.ts";

/** Where the run's servers and neighbours are, shared by all sides, one after the other. */
export interface Servers {
  readonly mysqlUrl: string;
  readonly natsUrl: string;
  readonly redisUrl: string;
  readonly einvoiceUrl: string;
  readonly financeUrl: string;
  readonly messageUrl: string;
  readonly erpUrl: string;
  readonly wmsUrl: string;
}

export const SERVER_NAMES = ["mariadb", "nats", "redis", "neighbours"] as const;

export type ServerName = (typeof SERVER_NAMES)[number];

/** The run's servers, as processes. */
export interface ServerProcesses {
  readonly servers: Servers;
  /** The neighbours' page, with `/control` and `/received`. */
  readonly neighboursUrl: string;
  /** Seconds of processor time so far. */
  cpu(): Readonly<Record<ServerName, number>>;
  /** Resident memory in MB. */
  memory(): Readonly<Record<ServerName, number>>;
  stop(): Promise<void>;
}

/** Starts them durable, as for production, with data of their own in a temporary folder that goes with them. */
export async function startServers(say: (line: string) => void): Promise<ServerProcesses> {
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
    return Object.fromEntries(SERVER_NAMES.map((name) => [name, measure(servers[name]?.process?.pid ?? 0)])) as Record<
      ServerName,
      number
    >;
  };
  const { mysqlUrl = "", natsUrl = "", redisUrl = "" } = stack;
  return {
    servers: { mysqlUrl, natsUrl, redisUrl, ...neighbours.urls },
    neighboursUrl: neighbours.url,
    cpu: () => byName(cpuOf),
    memory: () => byName(memoryOf),
    async stop() {
      await neighbours.stop();
      await stack.stop();
      await remove();
    },
  };
}
