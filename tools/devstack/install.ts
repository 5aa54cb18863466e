import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { mariadb } from "./mariadb.ts";
import { nats } from "./nats.ts";
import { redis } from "./redis.ts";
import type { ServerKind } from "./server.ts";
import { StackError, tail } from "./startup-errors.ts";

/** The smallest packages of each server. MariaDB's installation script needs the client package. */
const DEBIAN: ReadonlyMap<ServerKind, readonly string[]> = new Map([
  [mariadb, ["mariadb-server-core", "mariadb-client-core"]],
  [redis, ["redis-server"]],
  [nats, ["nats-server"]],
]);

const HOMEBREW: ReadonlyMap<ServerKind, string> = new Map([
  [mariadb, "mariadb"],
  [redis, "redis"],
  [nats, "nats-server"],
]);

const VARIABLE: ReadonlyMap<ServerKind, string> = new Map([
  [mariadb, "OMS_MYSQL_URL"],
  [redis, "OMS_REDIS_URL"],
  [nats, "OMS_NATS_URL"],
]);

const POLICY = "/usr/sbin/policy-rc.d";
const NO_SERVICES =
  "#!/bin/sh\n# Temporary: keeps packages from starting system services during installation.\nexit 101\n";

type OnProgress = (line: string) => void;

/** Options of apt-get; settings of the machine must not permit packages without a signature. */
const APT_OPTIONS = [
  "DPkg::Lock::Timeout=300",
  "APT::Get::AllowUnauthenticated=false",
  "Acquire::AllowInsecureRepositories=false",
].flatMap((option) => ["-o", option]);

function apt(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("apt-get", ["-q", ...APT_OPTIONS, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const keep = (bytes: Buffer) => {
      output = `${output}${bytes}`.slice(-8_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) {
        resolve();
        return;
      }
      reject(
        new StackError(
          `apt-get ${args.join(" ")} failed with exit code ${code}:\n${tail(output)}`,
          "Fix the cause (usually no network), then start again.",
        ),
      );
    });
  });
}

/** Defers signals until the work is finished; then this process exits. */
async function uninterrupted(work: () => Promise<void>, onProgress: OnProgress): Promise<void> {
  let interrupted = false;
  const onSignal = () => {
    interrupted = true;
    onProgress("Stopping after the installation …");
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) {
    process.on(signal, onSignal);
  }
  try {
    await work();
  } finally {
    for (const signal of signals) {
      process.off(signal, onSignal);
    }
  }
  if (interrupted) {
    process.exit(130);
  }
}

/**
 * Installs a policy-rc.d that keeps packages from starting services, unless the machine has one.
 */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const present = existsSync(POLICY) ? readFileSync(POLICY, "utf8") : NO_SERVICES;
  if (present !== NO_SERVICES) {
    await work();
    return;
  }
  const remove = () => rmSync(POLICY, { force: true });
  writeFileSync(POLICY, NO_SERVICES, { mode: 0o755 });
  process.once("exit", remove);
  try {
    await work();
  } finally {
    remove();
    process.off("exit", remove);
  }
}

/** Keeps the installed services from starting at boot: the embedded servers are private. */
function disableServices(packages: readonly string[]): Promise<void> {
  if (!existsSync("/run/systemd/system")) {
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const child = spawn("systemctl", ["disable", ...packages], { stdio: "ignore" });
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
}

/**
 * Installs Debian packages, as root, without starting system services.
 *
 * @throws StackError if apt-get fails
 */
export async function installPackages(packages: readonly string[], onProgress: OnProgress): Promise<void> {
  await apt(["update"]);
  await uninterrupted(
    () => withoutServices(() => apt(["install", "-y", "--no-install-recommends", ...packages])),
    onProgress,
  );
}

/** Packages with their versions, which Debian raises for corrections. */
function versionsOf(packages: readonly string[]): string[] {
  const { stdout } = spawnSync("dpkg-query", ["--show", ...packages], { encoding: "utf8" });
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.replace("\t", " "));
}

function installCommand(missing: readonly ServerKind[]): string {
  if (process.platform === "darwin") {
    return `brew install ${missing.map((kind) => HOMEBREW.get(kind)).join(" ")}`;
  }
  const packages = missing.flatMap((kind) => DEBIAN.get(kind) ?? []);
  return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(" ")}`;
}

/**
 * Returns the paths of the servers' programs. As root on Debian or Ubuntu, missing programs are
 * installed with apt-get, without starting system services.
 *
 * @throws StackError with the command that installs the missing programs
 */
export async function ensurePrograms(
  kinds: readonly ServerKind[],
  onProgress: OnProgress,
): Promise<ReadonlyMap<ServerKind, string>> {
  const missing = kinds.filter((kind) => findProgram(kind.program) === undefined);
  if (missing.length > 0) {
    const names = missing.map((kind) => kind.title).join(", ");
    if (process.getuid?.() !== 0 || findProgram("apt-get") === undefined) {
      throw new StackError(
        `Not installed: ${names}.`,
        `Install them and start again (Debian, Ubuntu or Homebrew; elsewhere use your system's packages):\n\n    ${installCommand(missing)}\n\nOr set ${missing.map((kind) => VARIABLE.get(kind)).join(", ")} to existing servers.`,
      );
    }
    const packages = missing.flatMap((kind) => DEBIAN.get(kind) ?? []);
    const began = Date.now();
    onProgress(`Installing ${names} (${packages.join(", ")}) with apt-get (no system services are started) …`);
    await installPackages(packages, onProgress);
    await disableServices(missing.flatMap((kind) => (kind === mariadb ? [] : (DEBIAN.get(kind) ?? []))));
    onProgress(`Installed in ${Math.round((Date.now() - began) / 1000)} s: ${versionsOf(packages).join(", ")}.`);
  }
  return new Map(
    kinds.map((kind) => {
      const path = findProgram(kind.program);
      if (path === undefined) {
        throw new StackError(
          `${kind.program} was not found after its installation.`,
          `Install it with: ${installCommand([kind])}`,
        );
      }
      return [kind, path];
    }),
  );
}

/** Folders of servers that may be missing in PATH (Debian omits sbin for regular users). */
const EXTRA_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/sbin"];

/** Path of an executable program; undefined if there is none. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...EXTRA_FOLDERS];
  return folders
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
