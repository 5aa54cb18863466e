import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mariadb } from "./mariadb.ts";
import { nats } from "./nats.ts";
import { findProgram } from "./programs.ts";
import { redis } from "./redis.ts";
import type { ServerKind } from "./server.ts";
import { StackError, tail } from "./startup-errors.ts";

/** The smallest sets of packages that hold a server. MariaDB's initialisation needs my_print_defaults of the client's package. */
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
const OUR_POLICY =
  "#!/bin/sh\n# Here only while packages are installed for private servers: no service may start.\nexit 101\n";

type Say = (line: string) => void;

function apt(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=300", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    const keep = (bytes: Buffer) => {
      said = `${said}${bytes}`.slice(-8_000);
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
          `apt-get ${args.join(" ")} ended with exit code ${code}:\n${tail(said)}`,
          "Put right what it says (most often: no network), then start again.",
        ),
      );
    });
  });
}

/** Works without being cut short: a signal that comes meanwhile ends this process afterwards. */
async function uninterrupted(work: () => Promise<void>, say: Say): Promise<void> {
  let asked = false;
  const onSignal = () => {
    asked = true;
    say("Stopping when the installation is through …");
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
  if (asked) {
    process.exit(130);
  }
}

/** Debian's way to say that no package may start its service now; a policy of the machine's own stays as it is. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const present = existsSync(POLICY) ? readFileSync(POLICY, "utf8") : OUR_POLICY;
  if (present !== OUR_POLICY) {
    await work();
    return;
  }
  const remove = () => rmSync(POLICY, { force: true });
  writeFileSync(POLICY, OUR_POLICY, { mode: 0o755 });
  process.once("exit", remove);
  try {
    await work();
  } finally {
    remove();
    process.off("exit", remove);
  }
}

/** Services that the packages have put in place would start with the machine: not wanted, ours are private. */
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

function theCommand(missing: readonly ServerKind[]): string {
  if (process.platform === "darwin") {
    return `brew install ${missing.map((kind) => HOMEBREW.get(kind)).join(" ")}`;
  }
  const packages = missing.flatMap((kind) => DEBIAN.get(kind) ?? []);
  return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(" ")}`;
}

/**
 * The paths of the servers' programs. What is missing is installed where that needs nobody's leave: as root on Debian and its
 * like, without starting any system service.
 *
 * @throws StackError with the one command that installs what is missing
 */
export async function ensurePrograms(kinds: readonly ServerKind[], say: Say): Promise<ReadonlyMap<ServerKind, string>> {
  const missing = kinds.filter((kind) => findProgram(kind.program) === undefined);
  if (missing.length > 0) {
    const names = missing.map((kind) => kind.title).join(", ");
    if (process.getuid?.() !== 0 || findProgram("apt-get") === undefined) {
      throw new StackError(
        `Not installed on this machine: ${names}.`,
        `Install with this command (on Debian, Ubuntu or with Homebrew; else with your system's packages), then start again:\n\n    ${theCommand(missing)}\n\nOr set ${missing.map((kind) => VARIABLE.get(kind)).join(", ")} to servers that run elsewhere.`,
      );
    }
    const packages = missing.flatMap((kind) => DEBIAN.get(kind) ?? []);
    const began = Date.now();
    say(`Installing ${names} (${packages.join(", ")}) with apt-get; system services are not started …`);
    await apt(["update"]);
    await uninterrupted(
      () => withoutServices(() => apt(["install", "-y", "--no-install-recommends", ...packages])),
      say,
    );
    await disableServices(missing.flatMap((kind) => (kind === mariadb ? [] : (DEBIAN.get(kind) ?? []))));
    say(`Installed in ${Math.round((Date.now() - began) / 1000)} s.`);
  }
  return new Map(
    kinds.map((kind) => {
      const path = findProgram(kind.program);
      if (path === undefined) {
        throw new StackError(
          `${kind.program} is still not found after its installation.`,
          `Try: ${theCommand([kind])}`,
        );
      }
      return [kind, path];
    }),
  );
}
