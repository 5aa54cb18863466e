import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { ensurePrograms } from "../../tools/devstack/install.ts";
import { nats } from "../../tools/devstack/nats.ts";
import { generatePasswords, type Passwords } from "../../tools/devstack/passwords.ts";
import { choosePort } from "../../tools/devstack/ports.ts";
import { redis } from "../../tools/devstack/redis.ts";
import { runServer } from "../../tools/devstack/server.ts";
import { ensureMysql } from "../../tools/testkit/mysql-program.ts";
import { databaseServer, ON_MYSQL } from "./database-engine.ts";
import { copyDatabaseTemplate } from "./database-template.ts";
import { ensureForeignClients } from "./foreign-clients.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The database server shared by all test files; each has its own databases. */
    databaseUrl: string;
    /** The passwords of all servers of the run. */
    passwords: Passwords;
    /** Folder for all files of the run, removed at its end. */
    folder: string;
    /** Paths of the server programs, by name. */
    programs: Record<string, string>;
  }
}

/** Runs once before all test files: installs missing servers and starts the shared database. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const onProgress = (line: string) => project.vitest.logger.log(line);
  const programs = new Map(await ensurePrograms(ON_MYSQL ? [redis, nats] : [databaseServer, redis, nats], onProgress));
  if (ON_MYSQL) {
    programs.set(databaseServer, await ensureMysql(onProgress));
  }
  await ensureForeignClients(onProgress);
  const program = programs.get(databaseServer) as string;
  const folder = await mkdtemp(join(tmpdir(), "oms-test-"));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  // An interrupted run does not reach the teardown below.
  process.once("exit", removeFolder);
  const dir = join(folder, "database");
  const passwords = generatePasswords();
  await copyDatabaseTemplate(program, dir);
  const port = await choosePort();
  const logFile = join(folder, "database.log");
  const server = await runServer(databaseServer, { dir, port, passwords, durable: false, program, logFile });
  project.provide("folder", folder);
  project.provide("databaseUrl", databaseServer.url(port, passwords));
  project.provide("passwords", passwords);
  project.provide("programs", Object.fromEntries([...programs].map(([kind, path]) => [kind.program, path])));
  return async () => {
    // Its data is discarded: no graceful shutdown is needed.
    await server.kill("SIGKILL");
    removeFolder();
  };
}
