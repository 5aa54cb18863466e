import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "../devstack/install.ts";
import { StackError } from "../devstack/startup-errors.ts";

const CACHE = join(import.meta.dirname, "..", "..", "node_modules", ".cache");
const FOLDER = join(CACHE, "mysql");

/** The suite of Debian that has MySQL; the stable ones have MariaDB only. */
const SUITE = "sid";
const PACKAGE = "mysql-server-core";

/** Time limit of the download, in milliseconds. */
const DOWNLOAD_MS = 10 * 60_000;

/** Dynamic loader and folder of libraries by processor; Debian's names. */
const LOADERS: Readonly<Record<string, readonly [loader: string, libraries: string]>> = {
  x64: ["lib64/ld-linux-x86-64.so.2", "x86_64-linux-gnu"],
  arm64: ["lib/ld-linux-aarch64.so.1", "aarch64-linux-gnu"],
};

const execute = promisify(execFile);

/**
 * Returns the path of a mysqld of MySQL, and logs its version: the one in PATH; otherwise Debian's
 * package, which is unpacked into a cache with all libraries that it requires (112 MB are
 * downloaded) and changes nothing of the system.
 *
 * @throws StackError if there is none and it cannot be downloaded
 */
export async function ensureMysql(onProgress: (line: string) => void): Promise<string> {
  const program = (await installed()) ?? (await downloaded(onProgress));
  onProgress(`MySQL: ${await versionOf(program)} (${program})`);
  return program;
}

async function versionOf(program: string): Promise<string> {
  const { stdout } = await execute(program, ["--no-defaults", "--version"]);
  return /Ver (.*)/.exec(stdout)?.[1]?.trim() ?? stdout.trim();
}

/** The mysqld in PATH, unless it is one of MariaDB, which has the same name on some systems. */
async function installed(): Promise<string | undefined> {
  const program = findProgram("mysqld");
  return program === undefined || /mariadb/i.test(await versionOf(program)) ? undefined : program;
}

async function downloaded(onProgress: (line: string) => void): Promise<string> {
  const program = join(FOLDER, "mysqld");
  if (!existsSync(program)) {
    onProgress(`Downloading MySQL (Debian's package ${PACKAGE}) into ${FOLDER} …`);
    try {
      await download();
    } catch (error) {
      const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
      throw new StackError(
        `MySQL is neither in PATH nor could it be downloaded: ${(stderr || message).trim()}`,
        "Install MySQL 9.7 so that mysqld is in PATH, or run the tests on MariaDB: npm run test:integration.",
        { cause: error },
      );
    }
  }
  return program;
}

/** Downloads the package with everything that it depends on, and unpacks all of it. */
async function download(): Promise<void> {
  const [loader, libraries] = LOADERS[process.arch] ?? [];
  if (loader === undefined || libraries === undefined) {
    throw new Error(`there is no package for ${process.arch}`);
  }
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, "mysql-"));
  try {
    const apt = await privateApt(join(work, "apt"));
    await apt("update");
    await apt("install", "--yes", "--download-only", "--no-install-recommends", PACKAGE);
    const archives = join(work, "apt", "cache", "archives");
    for (const name of readdirSync(archives).filter((file) => file.endsWith(".deb"))) {
      await execute("dpkg-deb", ["--extract", join(archives, name), join(work, "root")]);
    }
    await rm(join(work, "apt"), { recursive: true });
    await writeFile(join(work, "mysqld"), startScript(loader, libraries));
    await chmod(join(work, "mysqld"), 0o755);
    await rename(work, FOLDER).catch((error: unknown) => {
      // Another run has downloaded it first.
      if (!existsSync(join(FOLDER, "mysqld"))) {
        throw error;
      }
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * apt-get with a state of its own, in which nothing is installed. It uses the mirror that is
 * configured on this machine, and verifies the packages with Debian's keys.
 */
async function privateApt(folder: string): Promise<(...args: string[]) => Promise<void>> {
  for (const name of ["lists/partial", "cache/archives/partial", "parts"]) {
    await mkdir(join(folder, name), { recursive: true });
  }
  const mirror = await debianMirror();
  await writeFile(join(folder, "status"), "");
  await writeFile(
    join(folder, "sources.list"),
    `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror} ${SUITE} main\n`,
  );
  const settings = {
    "Dir::Etc::sourcelist": join(folder, "sources.list"),
    "Dir::Etc::sourceparts": join(folder, "parts"),
    "Dir::State": folder,
    "Dir::State::status": join(folder, "status"),
    "Dir::State::lists": join(folder, "lists"),
    "Dir::Cache": join(folder, "cache"),
    "Debug::NoLocking": "true",
    "APT::Get::AllowUnauthenticated": "false",
    "Acquire::AllowInsecureRepositories": "false",
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  return async (...args) => {
    await execute("apt-get", ["-qq", ...options, ...args], { timeout: DOWNLOAD_MS, maxBuffer: 64 * 1024 * 1024 });
  };
}

/** @throws Error if this machine is not a Debian */
async function debianMirror(): Promise<string> {
  const { stdout } = await execute("apt-get", [
    "indextargets",
    "--format",
    "$(ORIGIN) $(SITE)",
    "Created-By: Packages",
  ]);
  const mirror = stdout
    .split("\n")
    .map((line) => /^Debian (\S+)$/.exec(line)?.[1])
    .find((site) => site !== undefined && !/security/.test(site));
  if (mirror === undefined) {
    throw new Error("apt-get knows no mirror of Debian; run apt-get update");
  }
  return mirror;
}

/** Runs the program with the loader and the libraries of its own suite. */
function startScript(loader: string, libraries: string): string {
  return [
    "#!/bin/sh",
    'root=$(dirname "$(readlink -f "$0")")/root',
    `exec "$root/usr/${loader}" --library-path "$root/usr/lib/${libraries}" \\`,
    '  --argv0 "$root/usr/sbin/mysqld" "$root/usr/sbin/mysqld" "$@" \\',
    '  --lc-messages-dir="$root/usr/share/mysql" --character-sets-dir="$root/usr/share/mysql/charsets" \\',
    '  --plugin-dir="$root/usr/lib/mysql/plugin"',
    "",
  ].join("\n");
}
