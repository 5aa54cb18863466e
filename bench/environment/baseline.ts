import type { BackendProcesses, Endpoints } from "../../tools/testkit/backends.ts";
import { startScript } from "../../tools/testkit/child.ts";
import { BEGIN_LINE, END_LINE } from "../baselines/support/measured.ts";
import { cpuPerChange, type Sample } from "../statistics.ts";
import { freshPrefix, resetBackends } from "./reset.ts";
import type { RunningSubject } from "./subject.ts";

type Env = Readonly<Record<string, string>>;

/** Environment of the programs of bench/baselines. */
function environmentOf(endpoints: Endpoints, prefix: string): Env {
  return {
    MYSQL_URL: endpoints.mysqlUrl,
    NATS_URL: endpoints.natsUrl,
    REDIS_URL: endpoints.redisUrl,
    EINVOICE_URL: endpoints.systemUrls.einvoice,
    FINANCE_URL: endpoints.systemUrls.finance,
    MESSAGE_URL: endpoints.systemUrls.message,
    ERP_URL: endpoints.systemUrls.erp,
    WMS_URL: endpoints.systemUrls.wms,
    PREFIX: prefix,
  };
}

/** Starts a server, which prints its ports on its first line. */
export async function startBaseline(
  backends: BackendProcesses,
  script: string,
  env: Env = {},
): Promise<RunningSubject> {
  const prefix = freshPrefix();
  const child = startScript(`bench/baselines/${script}`, {
    env: { ...environmentOf(backends.endpoints, prefix), ...env },
  });
  const line = await child.line();
  if (line === undefined) {
    throw new Error(`bench/baselines/${script} exited before it listened`);
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
      await resetBackends(backends, prefix);
    },
  };
}

/**
 * A baseline with asynchronous work serves its amount over HTTP; the others complete their work
 * before they answer.
 */
async function openWorkAt(httpPort: number | undefined): Promise<number> {
  if (httpPort === undefined) {
    return 0;
  }
  const response = await fetch(`http://127.0.0.1:${httpPort}/open`);
  const { open } = (await response.json()) as { open: number };
  return open;
}

/**
 * Runs a program that prints its measurements on its last line. Adds the processor time per change
 * of its process and of the backends, if it measures work (bench/baselines/support/measured.ts).
 */
export async function runProgram(
  backends: BackendProcesses,
  script: string,
  args: readonly string[] = [],
  env: Env = {},
): Promise<Sample> {
  const prefix = freshPrefix();
  const child = startScript(`bench/baselines/${script}`, {
    args,
    env: { ...environmentOf(backends.endpoints, prefix), ...env },
  });
  const cpu = () => ({ server: child.cpu(), ...backends.cpu() });
  let before = cpu();
  let perChange: Sample = {};
  let last: string | undefined;
  for (let line = await child.line(); line !== undefined; line = await child.line()) {
    last = line;
    const changes = END_LINE.exec(line)?.[1];
    if (line === BEGIN_LINE) {
      before = cpu();
    } else if (changes !== undefined) {
      perChange = cpuPerChange(before, cpu(), Number(changes));
    }
  }
  await child.exited();
  await resetBackends(backends, prefix);
  if (last === undefined || child.exitCode() !== 0) {
    throw new Error(`bench/baselines/${script} exited with code ${child.exitCode()}`);
  }
  return { ...(JSON.parse(last) as { measurements: Sample }).measurements, ...perChange };
}
