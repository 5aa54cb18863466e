/**
 * The first step of each npm script, in plain JavaScript for any Node from 20 on: sees to it that the packages are there as the
 * lockfile says, then runs the wanted command with the pinned Node that is one of them.
 *
 *     node scripts/run.mjs start|test|test:browser|demo|check|generate [arguments]
 *     node scripts/run.mjs path/to/script.ts [arguments]
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const NODE = join(BIN, "node");

/**
 * How Node's heap grows in the service: collected by when it is half as large again as what is in use, not several times as large, and young
 * objects in 16 MB. Half the memory, for a twelfth of the speed at full load.
 *
 * @type {string[]}
 */
const SERVICE_FLAGS = JSON.parse(readFileSync(new URL("service-flags.json", import.meta.url), "utf8"));

/** What each command runs, one after the other; the caller's arguments go to the last. */
const COMMANDS = {
  start: [[...SERVICE_FLAGS, "src/main.ts"]],
  test: [["node_modules/vitest/vitest.mjs", "run"]],
  "test:unit": [["node_modules/vitest/vitest.mjs", "run", "--project", "unit"]],
  "test:integration": [["node_modules/vitest/vitest.mjs", "run", "--project", "integration"]],
  "test:e2e": [["node_modules/vitest/vitest.mjs", "run", "--project", "e2e"]],
  "test:browser": [["node_modules/vitest/vitest.mjs", "run", "--config", "test/e2e/browser/vitest.config.ts"]],
  demo: [["tools/demo/main.ts"]],
  check: [["scripts/check.ts"]],
  format: [["node_modules/@biomejs/biome/bin/biome", "check", "--write"]],
  lint: [["node_modules/@biomejs/biome/bin/biome", "check"]],
  typecheck: [["node_modules/typescript/bin/tsc", "--project", "."]],
  generate: [["scripts/print-validate-proto.ts"], ["node_modules/@bufbuild/buf/bin/buf", "generate"]],
  docs: [["scripts/print-validate-proto.ts"], ["scripts/docs/main.ts"]],
};

/** A Ctrl-C reaches us from the terminal and, a moment later, from npm: that is one wish. One that comes later is impatience. */
const SAME_WISH_MS = 1_000;

/** How often we look whether npm, which started us, still lives. */
const PARENT_CHECK_MS = 500;

/** @param {string} line */
function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * @param {string} what
 * @returns {never}
 */
function giveUp(what) {
  say(`\n${what}\n`);
  process.exit(1);
}

/**
 * The packages of a lockfile, npm's own record of what lies in node_modules among them.
 *
 * @param {string} file
 * @returns {Record<string, { version?: string; integrity?: string; optional?: boolean }> | undefined}
 */
function readLock(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** True when what lies in node_modules is what the lockfile says; packages for other systems may be missing. */
function packagesAreThere() {
  const wanted = readLock("package-lock.json");
  if (wanted === undefined) {
    giveUp("package-lock.json cannot be read: get it back from the repository (git checkout package-lock.json).");
  }
  const present = readLock("node_modules/.package-lock.json");
  if (present === undefined || !existsSync(NODE)) {
    return false;
  }
  const same = (path) =>
    wanted[path]?.version === present[path]?.version && wanted[path]?.integrity === present[path]?.integrity;
  return (
    Object.keys(wanted).every((path) => path === "" || same(path) || (wanted[path].optional && !present[path])) &&
    Object.keys(present).every((path) => path in wanted)
  );
}

/**
 * The process number in a file; 0 when it is not written yet, or gone again.
 *
 * @param {string} file
 */
function pidIn(file) {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return 0;
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * Runs the work while no other run in this folder does it: two installations at once would destroy each other's.
 *
 * @param {() => Promise<void>} work
 */
async function alone(work) {
  const lock = join(tmpdir(), `npm-ci-${createHash("sha256").update(ROOT).digest("hex").slice(0, 16)}.pid`);
  for (let told = false; ; await sleep(200)) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") {
        throw error;
      }
    }
    const holder = pidIn(lock);
    if (holder > 0 && !isRunning(holder)) {
      rmSync(lock, { force: true });
    } else if (holder > 0 && !told) {
      say(`Waiting for process ${holder}, which installs the packages …`);
      told = true;
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once("exit", release);
  try {
    await work();
  } finally {
    release();
    process.off("exit", release);
  }
}

/** npm as it was called, else the one on the PATH. */
function npmCommand() {
  const caller = process.env.npm_execpath ?? "";
  return basename(caller) === "npm-cli.js" ? [process.execPath, caller] : ["npm"];
}

/** @returns {Promise<{ code: number | null; said: string }>} */
function npmCi() {
  const [command, ...first] = npmCommand();
  const args = ["ci", "--include=dev", "--ignore-scripts=false", "--loglevel=error", "--no-audit", "--no-fund"];
  return new Promise((resolve) => {
    const child = spawn(command, [...first, ...args], { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (bytes) => {
      said = `${said}${bytes}`.slice(0, 8_000);
    });
    child.once("error", (error) => resolve({ code: 1, said: String(error) }));
    child.once("close", (code) => resolve({ code, said }));
  });
}

/**
 * What npm says before it goes into details.
 *
 * @param {string} said
 */
function firstLines(said) {
  const lines = said.trimEnd().split("\n");
  return lines
    .filter((line) => !/EBADENGINE|^npm error\s+at /.test(line))
    .slice(0, 12)
    .join("\n");
}

async function installPackages() {
  if (packagesAreThere()) {
    return;
  }
  say("Getting the packages and Node's pinned version (npm ci; half a minute on a usual connection) …");
  const began = Date.now();
  const { code, said } = await npmCi();
  if (code !== 0) {
    const outOfReach = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network/i.test(
      said,
    );
    const diskFull = /ENOSPC/.test(said);
    const toDo = outOfReach
      ? "npm's registry is out of reach. Check the network (a proxy? npm config get proxy; another registry? npm config get registry), then run the same command again."
      : diskFull
        ? "The disk is full: free some space, then run the same command again."
        : "Put right what npm says, then run the same command again.";
    giveUp(`npm ci did not succeed:\n\n${firstLines(said)}\n\n${toDo}`);
  }
  if (!packagesAreThere()) {
    giveUp(
      "npm ci went through, but node_modules is not what package-lock.json says: remove node_modules and run the same command again.",
    );
  }
  say(`Packages are there, after ${Math.round((Date.now() - began) / 1000)} s.`);
}

/** Words before a command that make the kernel end it (as Ctrl-C would) when we are killed, where the system has that. */
function dieWithParent() {
  const works = process.platform === "linux" && spawnSync("setpriv", ["--pdeathsig", "TERM", "true"]).status === 0;
  return works ? ["setpriv", "--pdeathsig", "TERM", "--"] : [];
}

/**
 * Runs one command to its end. It has a process group of its own, so that it is told to stop once, by us, and not by the terminal,
 * by npm and by us.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} what to exit with
 */
function run(args) {
  const [command, ...rest] = [...dieWithParent(), NODE, ...args];
  const child = spawn(command, rest, {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}` },
  });
  let askedAt;
  const ask = (signal) => {
    const now = Date.now();
    if (askedAt === undefined) {
      askedAt = now;
      child.kill(signal);
    } else if (now - askedAt > SAME_WISH_MS) {
      child.kill("SIGKILL");
    }
  };
  const onSignal = { SIGINT: () => ask("SIGINT"), SIGTERM: () => ask("SIGTERM"), SIGHUP: () => ask("SIGTERM") };
  for (const [signal, listener] of Object.entries(onSignal)) {
    process.on(signal, listener);
  }
  const parent = process.ppid;
  const parentCheck = setInterval(() => {
    if (process.env.npm_lifecycle_event !== undefined && process.ppid !== parent && askedAt === undefined) {
      ask("SIGTERM");
    }
  }, PARENT_CHECK_MS);
  return new Promise((resolve) => {
    child.once("error", (error) => {
      giveUp(`${NODE} cannot be run (${error.message}): remove node_modules and run the same command again.`);
    });
    child.once("exit", (code, signal) => {
      clearInterval(parentCheck);
      // The listeners stay: one more Ctrl-C, before we have ended ourselves, must not take the exit code away.
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

const [name = "", ...args] = process.argv.slice(2);
const steps = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : /\.(ts|mjs)$/.test(name) ? [[name]] : undefined;
if (Number(process.versions.node.split(".")[0]) < 20) {
  giveUp(`This is Node ${process.versions.node}: Node 20 or newer is needed to begin with.`);
}
if (steps === undefined) {
  giveUp(`Usage: node scripts/run.mjs ${Object.keys(COMMANDS).join("|")} [arguments]`);
}
if (!packagesAreThere()) {
  await alone(installPackages);
}
let exitCode = 0;
for (const [index, step] of steps.entries()) {
  exitCode = await run(index === steps.length - 1 ? [...step, ...args] : step);
  if (exitCode !== 0) {
    break;
  }
}
process.exitCode = exitCode;
