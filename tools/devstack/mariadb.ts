import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { hostname, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { DatabaseUser, Passwords } from "./passwords.ts";
import { probe } from "./ports.ts";
import { makePrivateFolder, writePrivateFile } from "./private-file.ts";
import type { InstanceOptions, ServerKind } from "./server.ts";
import { describeDamage, describeFileError, StackError, tail } from "./startup-errors.ts";

const MIB = 1024 * 1024;

/** Size of the buffer pool: a sixteenth of the memory, 128 to 1,024 MiB; 64 MiB for tests. */
export function bufferPoolMib(durable: boolean): number {
  return durable ? Math.min(1024, Math.max(128, Math.floor(totalmem() / MIB / 16))) : 64;
}

/** Settings of the files on disk: the same at initialisation and at every start. */
function fileSettings(durable: boolean): string[] {
  return [`--innodb-log-file-size=${durable ? 256 : 16}M`, "--innodb-temp-data-file-path=ibtmp1:4M:autoextend"];
}

/**
 * Directory for temporary files, beside the data. A server that shares it with another one removes
 * the other's temporary tables at its start.
 */
export const temporary = (dir: string) => `${dir}-tmp`;

/** The only folder that statements can read files from and write files to. It stays empty. */
export const importFolder = (dir: string) => `${dir}-files`;

/** Runs at each start, before the server accepts connections. */
export const ACCOUNTS_FILE = "accounts.sql";

/**
 * Statements that give the accounts these passwords, and remove those without one that an earlier
 * version, or the initialisation, has created. Connections to 127.0.0.1 are not of localhost, as
 * names are not resolved. What the other users may do is granted by the service.
 */
export function accountStatements({ root, ...users }: Passwords["mariadb"]): string[] {
  const unused = ["localhost", "::1", hostname()].flatMap((host) => [`'root'@'${host}'`, `''@'${host}'`]);
  const account = (name: string, password: string) => [
    `create user if not exists ${name} identified by '${password}';`,
    `alter user ${name} identified by '${password}';`,
  ];
  return [
    ...account("'root'@'127.0.0.1'", root),
    "grant all on *.* to 'root'@'127.0.0.1' with grant option;",
    `drop user if exists ${unused.join(", ")};`,
    ...Object.entries(users).flatMap(([name, password]) => account(`'${name}'@'%'`, password)),
  ];
}

/**
 * Required to run as root. Another user would prevent the kernel from killing it with this process.
 */
export const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];

/**
 * Creates the system tables in a temporary directory and renames it, so that an interrupted start
 * leaves no partial data.
 */
async function initialise(dir: string, program: string, durable: boolean): Promise<void> {
  const fresh = `${dir}.new`;
  await rm(fresh, { recursive: true, force: true });
  const installer = join(dirname(dirname(program)), "bin", "mariadb-install-db");
  const args = [
    "--no-defaults",
    "--force",
    "--skip-name-resolve",
    "--skip-test-db",
    "--auth-root-authentication-method=normal",
    `--datadir=${fresh}`,
    `--tmpdir=${temporary(dir)}`,
    ...fileSettings(durable),
  ];
  try {
    await promisify(execFile)(existsSync(installer) ? installer : "mariadb-install-db", args, { cwd: dirname(dir) });
  } catch (error) {
    const output = `${(error as { stdout?: string }).stdout ?? ""}${(error as { stderr?: string }).stderr ?? ""}`;
    await rm(fresh, { recursive: true, force: true });
    if (/no space left|errno: ?28\b|error 28\b/i.test(output)) {
      throw describeFileError(dir, { code: "ENOSPC" });
    }
    throw new StackError(
      `The MariaDB data directory ${dir} could not be created.`,
      `Output of mariadb-install-db:\n${tail(output || String(error))}`,
      { cause: error },
    );
  }
  await rename(fresh, dir);
}

/** Without one of these files MariaDB does not start, or creates a new one beside the old data. */
const REQUIRED_FILES = ["ibdata1", "ib_logfile0", "aria_log_control", "mysql/global_priv.frm"];

const LOSS = "all its orders are lost";

/** URLs of the embedded database by user. */
export function databaseUrls(port: number, { mariadb: passwords }: Passwords): Readonly<Record<DatabaseUser, string>> {
  const urls = Object.entries(passwords).map(([user, password]) => [
    user,
    `mysql://${user}:${password}@127.0.0.1:${port}`,
  ]);
  return Object.fromEntries(urls) as Record<DatabaseUser, string>;
}

/** MariaDB. All its accounts have passwords; only root has privileges, until others are granted. */
export const mariadb: ServerKind = {
  title: "MariaDB",
  program: "mariadbd",
  async prepare({ dir, passwords, durable }: InstanceOptions, program) {
    makePrivateFolder(temporary(dir));
    makePrivateFolder(importFolder(dir));
    if (!existsSync(dir)) {
      await initialise(dir, program, durable);
    }
    const complete = REQUIRED_FILES.every((file) => existsSync(join(dir, file)) && statSync(join(dir, file)).size > 0);
    if (!complete) {
      throw describeDamage("MariaDB", dir, LOSS);
    }
    writePrivateFile(join(dir, ACCOUNTS_FILE), `${accountStatements(passwords.mariadb).join("\n")}\n`);
  },
  args: ({ dir, port, durable }) => [
    "--no-defaults",
    ...asRoot,
    `--datadir=${dir}`,
    `--tmpdir=${temporary(dir)}`,
    "--pid-file=mariadb.pid",
    // No socket file: the length of its path is limited to 107 characters.
    "--socket=",
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    "--skip-name-resolve",
    `--init-file=${join(dir, ACCOUNTS_FILE)}`,
    `--secure-file-priv=${importFolder(dir)}`,
    "--local-infile=0",
    "--skip-symbolic-links",
    "--skip-log-bin",
    "--performance-schema=off",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--default-time-zone=+00:00",
    "--max-connections=500",
    "--max-connect-errors=4294967295",
    "--max-allowed-packet=64M",
    ...fileSettings(durable),
    `--innodb-buffer-pool-size=${bufferPoolMib(durable)}M`,
    // Not durable: a commit survives a kill of MariaDB, but not a power failure.
    ...(durable
      ? ["--innodb-flush-log-at-trx-commit=1"]
      : [
          "--innodb-flush-log-at-trx-commit=2",
          "--innodb-flush-method=nosync",
          "--innodb-doublewrite=0",
          "--sync-frm=0",
        ]),
  ],
  // Greeting: three bytes of length, one of sequence, then protocol version 10.
  ready: ({ port }) => probe(port, (answer) => answer[4] === 10),
  url: (port, passwords) => databaseUrls(port, passwords).root,
  damage:
    /corrupt|unknown\/unsupported storage engine|unknown storage engine|plugin 'innodb' (init|registration)|can't open and lock privilege tables|missing mysql\.|table 'mysql\.[^']+' doesn't exist|aria recovery failed|not a valid data ?file|is of a different size|log sequence number .* (is in the future|older)|could not find a valid tablespace/i,
  loss: LOSS,
};
