import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { ensurePrograms } from "../../tools/devstack/install.ts";
import { mariadb } from "../../tools/devstack/mariadb.ts";
import { nats } from "../../tools/devstack/nats.ts";
import { generatePasswords, type Passwords } from "../../tools/devstack/passwords.ts";
import { choosePort } from "../../tools/devstack/ports.ts";
import { redis } from "../../tools/devstack/redis.ts";
import { runServer } from "../../tools/devstack/server.ts";
import { ensureForeignClients } from "./foreign-clients.ts";
import { copyMariadbTemplate } from "./mariadb-template.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The MariaDB shared by all test files; each has its own databases. */
    mariadbUrl: string;
    /** The passwords of all servers of the run. */
    passwords: Passwords;
    /** Folder for all files of the run, removed at its end. */
    folder: string;
    /** Paths of the server programs, by name. */
    programs: Record<string, string>;
  }
}

/** Runs once before all test files: installs missing servers and starts the shared MariaDB. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const onProgress = (line: string) => project.vitest.logger.log(line);
  const programs = await ensurePrograms([mariadb, redis, nats], onProgress);
  await ensureForeignClients(onProgress);
  const program = programs.get(mariadb) as string;
  const folder = await mkdtemp(join(tmpdir(), "oms-test-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  // An interrupted run does not reach the teardown below.
  process.once("exit", removeFolder);
  const dir = join(folder, "mariadb");
  const passwords = generatePasswords();
  await copyMariadbTemplate(program, dir);
  const port = await choosePort();
  const logFile = join(folder, "mariadb.log");
  const server = await runServer(mariadb, { dir, port, passwords, durable: false, program, logFile });
  project.provide("folder", folder);
  project.provide("mariadbUrl", mariadb.url(port, passwords));
  project.provide("passwords", passwords);
  project.provide("programs", Object.fromEntries([...programs].map(([kind, path]) => [kind.program, path])));
  return async () => {
    // Its data is discarded: no graceful shutdown is needed.
    await server.kill("SIGKILL");
    removeFolder();
  };
}
