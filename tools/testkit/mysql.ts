import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import {
  ACCOUNTS_FILE,
  accountStatements,
  asRoot,
  bufferPoolMib,
  databaseUrls,
  importFolder,
  temporary,
} from "../devstack/mariadb.ts";
import { probe } from "../devstack/ports.ts";
import { makePrivateFolder, writePrivateFile } from "../devstack/private-file.ts";
import type { ServerKind } from "../devstack/server.ts";
import { StackError, tail } from "../devstack/startup-errors.ts";

/**
 * Creates the system tables in a temporary directory and renames it, so that an interrupted start
 * leaves no partial data.
 */
async function initialise(dir: string, program: string): Promise<void> {
  const fresh = `${dir}.new`;
  await rm(fresh, { recursive: true, force: true });
  const args = [
    "--no-defaults",
    "--initialize-insecure",
    ...asRoot,
    `--datadir=${fresh}`,
    `--tmpdir=${temporary(dir)}`,
  ];
  try {
    await promisify(execFile)(program, args, { cwd: dirname(dir) });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw new StackError(
      `The MySQL data directory ${dir} could not be created.`,
      `Output of mysqld:\n${tail((error as { stderr?: string }).stderr || String(error))}`,
      { cause: error },
    );
  }
  await rename(fresh, dir);
}

/** MySQL in place of the embedded MariaDB, with the same accounts, for tests and measurements. */
export const mysql: ServerKind = {
  title: "MySQL",
  program: "mysqld",
  async prepare({ dir, passwords }, program) {
    makePrivateFolder(temporary(dir));
    makePrivateFolder(importFolder(dir));
    if (!existsSync(dir)) {
      await initialise(dir, program);
    }
    writePrivateFile(join(dir, ACCOUNTS_FILE), `${accountStatements(passwords.mariadb).join("\n")}\n`);
  },
  args: ({ dir, port, durable }) => [
    "--no-defaults",
    ...asRoot,
    `--datadir=${dir}`,
    `--tmpdir=${temporary(dir)}`,
    "--pid-file=mysql.pid",
    // Relative to the data directory: the length of its path is limited to 107 characters.
    "--socket=mysql.sock",
    "--mysqlx=OFF",
    // No TLS, like the embedded MariaDB.
    "--tls-version=",
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    "--skip-name-resolve",
    `--init-file=${join(dir, ACCOUNTS_FILE)}`,
    `--secure-file-priv=${importFolder(dir)}`,
    "--local-infile=0",
    "--skip-log-bin",
    "--performance-schema=OFF",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--default-time-zone=+00:00",
    "--max-connections=500",
    "--max-connect-errors=4294967295",
    "--max-allowed-packet=64M",
    `--innodb-redo-log-capacity=${durable ? 256 : 16}M`,
    `--innodb-buffer-pool-size=${bufferPoolMib(durable)}M`,
    // Not durable: a commit survives a kill of MySQL, but not a power failure.
    ...(durable
      ? ["--innodb-flush-log-at-trx-commit=1"]
      : ["--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync", "--innodb-doublewrite=OFF"]),
  ],
  // Greeting: three bytes of length, one of sequence, then protocol version 10.
  ready: ({ port }) => probe(port, (answer) => answer[4] === 10),
  url: (port, passwords) => databaseUrls(port, passwords).root,
  damage: /corrupt|data dictionary initialization failed|unable to lock|log sequence number .* in the future/i,
  loss: "all its orders are lost",
};
