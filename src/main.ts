/**
 * Entry point: reads the configuration, builds the server, listens and handles signals. Nothing
 * else reads the environment.
 */
import cluster from "node:cluster";
import pretty from "pino-pretty";
import { type Config, ConfigError, readConfig } from "./config/load.ts";
import { type CrashPoint, readCrashPoint } from "./config/test-hooks.ts";
import { createLogger, type Logger } from "./observability/log.ts";
import { readBackendTls } from "./server/backend-credentials.ts";
import { banner } from "./server/banner.ts";
import type { ServerDeps } from "./server/build.ts";
import { type ResolvedEndpoints, resolveEndpoints } from "./server/endpoints.ts";
import { createLifecycle, type Lifecycle, stopOnSignals } from "./server/lifecycle.ts";
import type { Ports } from "./server/listeners.ts";
import { createProcessGroup } from "./server/processes/primary.ts";
import { connectToPrimary, type PrimaryConnection } from "./server/processes/worker.ts";
import { describeStartupError } from "./server/startup-errors.ts";
import { migrate } from "./store/migrations/index.ts";

/** Human output goes to stderr; the log goes to stdout, as JSON unless that is a terminal. */
const print = (line: string) => void process.stderr.write(`${line}\n`);

/** Time (ms) for all components but the listeners to stop. */
const STOP_BUDGET_MS = 2_000;

/** Additional time (ms) for a worker that exceeds its shutdown timeout to exit. */
const WORKER_EXIT_MS = 1_000;

function openLog(config: Config): Logger {
  return createLogger(config.log.level, process.stdout.isTTY ? pretty({ translateTime: "HH:MM:ss.l" }) : undefined);
}

/** Shutdown timeout (ms) of a process that serves calls. */
function stopTimeoutMs({ calls: { drainDelayMs, drainMs } }: Config): number {
  return drainDelayMs + drainMs + STOP_BUDGET_MS;
}

async function main(config: Config, crashPoint: CrashPoint | undefined): Promise<void> {
  for (const warning of config.warnings) {
    print(`Warning: ${warning}`);
  }
  const log = openLog(config);
  const lifecycle = createLifecycle(log);
  const { role, processes } = config.service;
  const workersMs = processes > 1 ? WORKER_EXIT_MS + STOP_BUDGET_MS : 0;
  stopOnSignals(lifecycle, log, print, stopTimeoutMs(config) + workersMs);
  try {
    if (role === "migrate") {
      await runMigrations(config, lifecycle, log);
      return;
    }
    const resolved = await resolveEndpoints(config, lifecycle, print);
    const ports = await (processes > 1
      ? startProcesses(config, resolved, lifecycle, log)
      : startServer({ config, endpoints: { ...resolved.tls, ...resolved.urls }, log, crashPoint }, lifecycle));
    await announce(config, resolved, ports, log);
  } catch (error) {
    print(`\n${describeStartupError(error, config)}\n`);
    log.debug({ err: error }, "startup failed");
    process.exitCode = 1;
    await lifecycle.stop();
    process.exit();
  }
}

async function startServer(deps: ServerDeps, lifecycle: Lifecycle): Promise<Ports> {
  // The primary of several processes never loads it.
  const { buildServer } = await import("./server/build.ts");
  const server = await lifecycle.start(
    "server",
    () => buildServer(deps),
    (built) => built.stop(),
  );
  return server.start();
}

/** Starts the worker processes; this one becomes their primary. */
async function startProcesses(
  config: Config,
  { urls }: ResolvedEndpoints,
  lifecycle: Lifecycle,
  log: Logger,
): Promise<Ports> {
  const group = await lifecycle.start(
    "processes",
    () =>
      createProcessGroup({
        count: config.service.processes,
        urls,
        log,
        stopTimeoutMs: stopTimeoutMs(config) + WORKER_EXIT_MS,
      }),
    (running) => running.stop(),
  );
  return group.start();
}

/** Logs that the service listens and prints the banner. */
async function announce(
  config: Config,
  { urls: { natsUrl }, administratorUrl, stubSystemsUrl }: ResolvedEndpoints,
  ports: Ports,
  log: Logger,
): Promise<void> {
  const { fillSampleOrders, SAMPLE_ORDER_ID } = await import("../tools/demo/sample-orders.ts");
  if (administratorUrl !== undefined) {
    const inserted = await fillSampleOrders(administratorUrl, config.mysql.databasePrefix);
    if (inserted > 0) {
      print(`Inserted ${inserted} sample orders.`);
    }
  }
  const { role, processes } = config.service;
  log.info({ ...ports, host: config.listen.host, role, processes }, "listening");
  print(banner({ config, ports, natsUrl, stubSystemsUrl, sampleOrderId: SAMPLE_ORDER_ID }));
}

/** A worker: serves calls on the ports that it shares with the others. */
async function runWorker(config: Config, crashPoint: CrashPoint | undefined, primary: PrimaryConnection) {
  const log = openLog(config).child({ process: primary.number });
  const lifecycle = createLifecycle(log);
  const stop = stopOnSignals(lifecycle, log, () => {}, stopTimeoutMs(config));
  void primary.stopRequested.then(stop);
  try {
    const endpoints = { ...readBackendTls(config), ...primary.urls };
    const ports = await startServer({ config, endpoints, log, crashPoint, worker: primary }, lifecycle);
    log.info({ pid: process.pid }, "process listening");
    primary.reportListening(ports);
  } catch (error) {
    log.debug({ err: error }, "startup failed");
    await primary.reportStartFailure(describeStartupError(error, config));
    await lifecycle.stop();
    process.exit(1);
  }
}

/** The role `migrate`: migrates the database and exits. */
async function runMigrations(config: Config, lifecycle: Lifecycle, log: Logger): Promise<void> {
  const { tls, urls } = await resolveEndpoints(config, lifecycle, print);
  const { connectDatabase } = await import("./server/backends.ts");
  const db = await connectDatabase({ config, endpoints: { ...tls, ...urls }, lifecycle, log });
  const { applied } = await migrate(db, print);
  print(applied.length === 0 ? "The database is up to date." : `Applied: ${applied.join(", ")}.`);
  await lifecycle.stop();
}

const [argument] = process.argv.slice(2);
if (argument !== undefined) {
  const usage = "npm start takes no arguments; settings are environment variables: docs/configuration.md";
  print(argument === "--help" ? usage : `Unknown argument ${JSON.stringify(argument)}: ${usage}`);
  process.exit(argument === "--help" ? 0 : 2);
}
try {
  const config = readConfig(process.env);
  const crashPoint = readCrashPoint(process.env);
  await (cluster.isWorker ? runWorker(config, crashPoint, await connectToPrimary()) : main(config, crashPoint));
} catch (error) {
  if (!(error instanceof ConfigError)) {
    throw error;
  }
  print(`\n${error.message}\n`);
  process.exitCode = 1;
}
