import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { ensurePrograms } from "../../tools/devstack/install.ts";
import { mariadb } from "../../tools/devstack/mariadb.ts";
import { nats } from "../../tools/devstack/nats.ts";
import { choosePort } from "../../tools/devstack/ports.ts";
import { redis } from "../../tools/devstack/redis.ts";
import { runServer } from "../../tools/devstack/server.ts";
import { ensureForeignClients } from "./foreign-clients.ts";
import { copyMariadbTemplate } from "./mariadb-template.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The MariaDB that all test files of this run share; each has databases of its own there. */
    mariadbUrl: string;
    /** For all files of this run; it is removed at the end, also of a run that is cut short. */
    folder: string;
    /** The servers' programs, by their names. */
    programs: Record<string, string>;
  }
}

/**
 * Runs once before all test files: makes sure that the servers are installed, and starts the shared
 * MariaDB.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string) => project.vitest.logger.log(line);
  const programs = await ensurePrograms([mariadb, redis, nats], say);
  ensureForeignClients(say);
  const program = programs.get(mariadb) as string;
  const folder = await mkdtemp(join(tmpdir(), "oms-test-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  // A run that is cut short exits without the end below.
  process.once("exit", removeFolder);
  const dir = join(folder, "mariadb");
  await copyMariadbTemplate(program, dir);
  const port = await choosePort();
  const server = await runServer(mariadb, { dir, port, durable: false, program, logFile: join(folder, "mariadb.log") });
  project.provide("folder", folder);
  project.provide("mariadbUrl", mariadb.url(port));
  project.provide("programs", Object.fromEntries([...programs].map(([kind, path]) => [kind.program, path])));
  return async () => {
    // Its data is thrown away, so nothing is worth an orderly end.
    await server.kill("SIGKILL");
    removeFolder();
  };
}
