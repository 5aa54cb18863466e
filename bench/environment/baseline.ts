import type { BackendProcesses, Endpoints } from "../../tools/testkit/backends.ts";
import { startScript } from "../../tools/testkit/child.ts";
import type { Sample } from "../measurements.ts";
import { freshPrefix, resetBackends } from "./reset.ts";
import type { RunningSubject } from "./subject.ts";

type Env = Readonly<Record<string, string>>;

/** What a program of bench/baselines is told of its place. */
function placeOf(servers: Endpoints, prefix: string): Env {
  return {
    MYSQL_URL: servers.mysqlUrl,
    NATS_URL: servers.natsUrl,
    REDIS_URL: servers.redisUrl,
    EINVOICE_URL: servers.systemUrls.einvoice,
    FINANCE_URL: servers.systemUrls.finance,
    MESSAGE_URL: servers.systemUrls.message,
    ERP_URL: servers.systemUrls.erp,
    WMS_URL: servers.systemUrls.wms,
    PREFIX: prefix,
  };
}

/** Starts a program that serves: its first line says where. */
export async function startBaseline(
  processes: BackendProcesses,
  script: string,
  env: Env = {},
): Promise<RunningSubject> {
  const prefix = freshPrefix();
  const child = startScript(`bench/baselines/${script}`, { env: { ...placeOf(processes.endpoints, prefix), ...env } });
  const line = await child.line();
  if (line === undefined) {
    throw new Error(`bench/baselines/${script} ended before it listened`);
  }
  const { port, httpPort } = JSON.parse(line) as { port: number; httpPort?: number };
  return {
    port,
    ...(httpPort === undefined ? {} : { httpPort }),
    pid: child.pid,
    prefix,
    memory: child.memory,
    cpu: child.cpu,
    openWork: () => openWorkAt(httpPort === port ? undefined : httpPort),
    async stop() {
      await child.stop();
      await resetBackends(processes, prefix);
    },
  };
}

/** A baseline that leaves work for later says how much of it there is; all others have done theirs when they answer. */
async function openWorkAt(httpPort: number | undefined): Promise<number> {
  if (httpPort === undefined) {
    return 0;
  }
  const answer = await fetch(`http://127.0.0.1:${httpPort}/open`);
  const { open } = (await answer.json()) as { open: number };
  return open;
}

/** Runs a program that measures by itself: its last line says what. */
export async function runProgram(
  processes: BackendProcesses,
  script: string,
  args: readonly string[] = [],
  env: Env = {},
): Promise<Sample> {
  const prefix = freshPrefix();
  const child = startScript(`bench/baselines/${script}`, {
    args,
    env: { ...placeOf(processes.endpoints, prefix), ...env },
  });
  let last: string | undefined;
  for (let line = await child.line(); line !== undefined; line = await child.line()) {
    last = line;
  }
  await child.exited();
  await resetBackends(processes, prefix);
  if (last === undefined || child.exitCode() !== 0) {
    throw new Error(`bench/baselines/${script} ended with ${child.exitCode()}`);
  }
  return (JSON.parse(last) as { figures: Sample }).figures;
}
