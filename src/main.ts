/** The service's way in: the only place that reads the environment, listens and ends the process. */
import pretty from "pino-pretty";
import { type Config, ConfigError, readConfig } from "./config/load.ts";
import { type CrashPoint, readCrashPoint } from "./config/test-hooks.ts";
import { createLogger } from "./observability/log.ts";
import { banner } from "./server/banner.ts";
import { startServer } from "./server/build.ts";
import { resolveEndpoints } from "./server/endpoints.ts";
import { createLifecycle, stopOnSignals } from "./server/lifecycle.ts";
import { describeStartupError } from "./server/startup-errors.ts";
import { migrate } from "./store/migrations/index.ts";
import { openDatabase } from "./store/mysql/database.ts";

/** For a person; the log goes to the standard output, as JSON unless that is a terminal. */
const say = (line: string) => void process.stderr.write(`${line}\n`);

async function run(config: Config, crashPoint: CrashPoint | undefined): Promise<void> {
  for (const warning of config.warnings) {
    say(`Warning: ${warning}`);
  }
  const log = createLogger(
    config.log.level,
    process.stdout.isTTY ? pretty({ translateTime: "HH:MM:ss.l" }) : undefined,
  );
  const lifecycle = createLifecycle(log);
  stopOnSignals(lifecycle, log, say);
  try {
    const { surroundings, embedded } = await resolveEndpoints(config, lifecycle, say);
    if (config.service.role === "migrate") {
      const db = await lifecycle.start(
        "database",
        () =>
          openDatabase({ url: surroundings.mysqlUrl, ca: surroundings.mysqlCa, prefix: config.mysql.databasePrefix }),
        (database) => database.destroy(),
      );
      const { applied } = await migrate(db, say);
      say(applied.length === 0 ? "The database is up to date." : `Done: ${applied.join(", ")}.`);
      await lifecycle.stop();
      return;
    }
    const ports = await startServer(config, surroundings, lifecycle, log, crashPoint);
    const { fillSampleOrders, SAMPLE_ORDER_ID } = await import("../tools/demo/sample-orders.ts");
    if (config.mysql.url === undefined) {
      const filled = await fillSampleOrders(surroundings.mysqlUrl, config.mysql.databasePrefix);
      if (filled > 0) {
        say(`Filled in ${filled} sample orders.`);
      }
    }
    log.info({ ...ports, host: config.listen.host, role: config.service.role }, "listening");
    say(banner(config, ports, embedded, surroundings.natsUrl, SAMPLE_ORDER_ID));
  } catch (error) {
    say(`\n${describeStartupError(error, config)}\n`);
    log.debug({ err: error }, "the service could not start");
    process.exitCode = 1;
    await lifecycle.stop();
    process.exit();
  }
}

try {
  await run(readConfig(process.env), readCrashPoint(process.env));
} catch (error) {
  if (!(error instanceof ConfigError)) {
    throw error;
  }
  say(`\n${error.message}\n`);
  process.exitCode = 1;
}
