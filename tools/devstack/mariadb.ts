import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { probe } from "./probe.ts";
import type { InstanceOptions, ServerKind } from "./server.ts";
import { describeDamage, describeFileError, StackError, tail } from "./startup-errors.ts";

const MIB = 1024 * 1024;

/** Big enough for the demo's and a load test's hot pages, never a burden to the machine. */
function bufferPoolMib(durable: boolean): number {
  return durable ? Math.min(1024, Math.max(128, Math.floor(totalmem() / MIB / 16))) : 64;
}

/** Settings that the files on disk depend on: the same at initialisation and at each start. */
function fileSettings(durable: boolean): string[] {
  return [`--innodb-log-file-size=${durable ? 256 : 16}M`, "--innodb-temp-data-file-path=ibtmp1:4M:autoextend"];
}

/**
 * Its temporary files, beside its data: a server that starts removes the temporary tables of every other one that has the same folder
 * for them, such as the system's.
 */
const temporary = (dir: string) => `${dir}-tmp`;

/** MariaDB refuses to run as root without being told so; it must not change its user either, or the kernel would no longer kill it with us. */
const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];

/** Makes the system tables beside the place and moves them there as a whole: a start that is cut short leaves no half directory. */
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
    const said = `${(error as { stdout?: string }).stdout ?? ""}${(error as { stderr?: string }).stderr ?? ""}`;
    await rm(fresh, { recursive: true, force: true });
    if (/no space left|errno: ?28\b|error 28\b/i.test(said)) {
      throw describeFileError(dir, { code: "ENOSPC" });
    }
    throw new StackError(
      `MariaDB's data directory ${dir} could not be made.`,
      `mariadb-install-db says:\n${tail(said || String(error))}`,
      { cause: error },
    );
  }
  await rename(fresh, dir);
}

/** Without one of these MariaDB stops at its start or, worse, makes a new one beside the old data. */
const MUST_HAVE = ["ibdata1", "ib_logfile0", "aria_log_control", "mysql/global_priv.frm"];

const LOSS = "the orders in it are lost";

/** MariaDB. Its one account is root, without a password and from this machine only. */
export const mariadb: ServerKind = {
  title: "MariaDB",
  program: "mariadbd",
  async prepare({ dir, durable }: InstanceOptions, program) {
    await mkdir(temporary(dir), { recursive: true });
    if (!existsSync(dir)) {
      await initialise(dir, program, durable);
    }
    const sound = MUST_HAVE.every((file) => existsSync(join(dir, file)) && statSync(join(dir, file)).size > 0);
    if (!sound) {
      throw describeDamage("MariaDB", dir, LOSS);
    }
  },
  args: ({ dir, port, durable }) => [
    "--no-defaults",
    ...asRoot,
    `--datadir=${dir}`,
    `--tmpdir=${temporary(dir)}`,
    "--pid-file=mariadb.pid",
    // No socket file: its path would have a limit of 107 characters.
    "--socket=",
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    "--skip-name-resolve",
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
    // Not durable: a commit reaches the system's memory, so it outlives a kill of MariaDB, but not a power cut.
    ...(durable
      ? ["--innodb-flush-log-at-trx-commit=1"]
      : [
          "--innodb-flush-log-at-trx-commit=2",
          "--innodb-flush-method=nosync",
          "--innodb-doublewrite=0",
          "--sync-frm=0",
        ]),
  ],
  // Its greeting: three bytes of length, one of sequence, then the protocol's version.
  ready: (port) => probe(port, (answer) => answer[4] === 10),
  url: (port) => `mysql://root@127.0.0.1:${port}`,
  damage:
    /corrupt|unknown\/unsupported storage engine|unknown storage engine|plugin 'innodb' (init|registration)|can't open and lock privilege tables|missing mysql\.|table 'mysql\.[^']+' doesn't exist|aria recovery failed|not a valid data ?file|is of a different size|log sequence number .* (is in the future|older)|could not find a valid tablespace/i,
  loss: LOSS,
};
