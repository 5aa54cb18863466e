/**
 * Entry point: reads the configuration, builds the server, listens and handles signals. Nothing
 * else reads the environment.
 */
import pretty from "pino-pretty";
import { type Config, ConfigError, readConfig } from "./config/load.ts";
import { type CrashPoint, readCrashPoint } from "./config/test-hooks.ts";
import { createLogger, type Logger } from "./observability/log.ts";
import { connectDatabase } from "./server/backends.ts";
import { banner } from "./server/banner.ts";
import { buildServer } from "./server/build.ts";
import { resolveEndpoints } from "./server/endpoints.ts";
import { createLifecycle, type Lifecycle, stopOnSignals } from "./server/lifecycle.ts";
import { describeStartupError } from "./server/startup-errors.ts";
import { migrate } from "./store/migrations/index.ts";

/** Human output goes to stderr; the log goes to stdout, as JSON unless that is a terminal. */
const print = (line: string) => void process.stderr.write(`${line}\n`);

/** Time (ms) for all components but the listeners to stop. */
const STOP_BUDGET_MS = 2_000;

async function main(config: Config, crashPoint: CrashPoint | undefined): Promise<void> {
  for (const warning of config.warnings) {
    print(`Warning: ${warning}`);
  }
  const log = createLogger(
    config.log.level,
    process.stdout.isTTY ? pretty({ translateTime: "HH:MM:ss.l" }) : undefined,
  );
  const lifecycle = createLifecycle(log);
  const { drainDelayMs, drainMs } = config.calls;
  stopOnSignals(lifecycle, log, print, drainDelayMs + drainMs + STOP_BUDGET_MS);
  try {
    await (config.service.role === "migrate"
      ? runMigrations(config, lifecycle, log)
      : runServer(config, lifecycle, log, crashPoint));
  } catch (error) {
    print(`\n${describeStartupError(error, config)}\n`);
    log.debug({ err: error }, "startup failed");
    process.exitCode = 1;
    await lifecycle.stop();
    process.exit();
  }
}

async function runServer(
  config: Config,
  lifecycle: Lifecycle,
  log: Logger,
  crashPoint: CrashPoint | undefined,
): Promise<void> {
  const { endpoints, stubSystemsUrl, administratorUrl } = await resolveEndpoints(config, lifecycle, print);
  const server = await lifecycle.start(
    "server",
    () => buildServer({ config, endpoints, log, crashPoint }),
    (built) => built.stop(),
  );
  const ports = await server.start();
  const { fillSampleOrders, SAMPLE_ORDER_ID } = await import("../tools/demo/sample-orders.ts");
  if (administratorUrl !== undefined) {
    const inserted = await fillSampleOrders(administratorUrl, config.mysql.databasePrefix);
    if (inserted > 0) {
      print(`Inserted ${inserted} sample orders.`);
    }
  }
  log.info({ ...ports, host: config.listen.host, role: config.service.role }, "listening");
  print(banner({ config, ports, natsUrl: endpoints.natsUrl, stubSystemsUrl, sampleOrderId: SAMPLE_ORDER_ID }));
}

/** The role `migrate`: migrates the database and exits. */
async function runMigrations(config: Config, lifecycle: Lifecycle, log: Logger): Promise<void> {
  const { endpoints } = await resolveEndpoints(config, lifecycle, print);
  const db = await connectDatabase({ config, endpoints, lifecycle, log });
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
  await main(readConfig(process.env), readCrashPoint(process.env));
} catch (error) {
  if (!(error instanceof ConfigError)) {
    throw error;
  }
  print(`\n${error.message}\n`);
  process.exitCode = 1;
}
