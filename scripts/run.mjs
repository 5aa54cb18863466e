/**
 * First step of every npm script, in plain JavaScript for Node 20 or newer: installs the packages
 * of the lockfile if necessary, then runs the command with the pinned Node, which is one of them.
 *
 *     node scripts/run.mjs start|test|test:browser|test:clients|demo|check|generate [arguments]
 *     node scripts/run.mjs path/to/script.ts [arguments]
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { basename, delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const NODE = join(BIN, "node");

/**
 * Heap settings of the service: collect garbage when the heap is half again as large as the live
 * data, with 16 MB for young objects. Halves the memory, for a twelfth of the speed at full load.
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
  "test:clients": [["node_modules/vitest/vitest.mjs", "run", "--config", "test/clients/vitest.config.ts"]],
  demo: [["tools/demo/main.ts"]],
  check: [["scripts/check.ts"]],
  format: [["node_modules/@biomejs/biome/bin/biome", "check", "--write"]],
  lint: [["node_modules/@biomejs/biome/bin/biome", "check"]],
  typecheck: [["node_modules/typescript/bin/tsc", "--project", "."]],
  generate: [["scripts/print-validate-proto.ts"], ["node_modules/@bufbuild/buf/bin/buf", "generate"]],
  docs: [["scripts/print-validate-proto.ts"], ["scripts/docs/main.ts"]],
};

/** A Ctrl-C arrives from the terminal and, a moment later, from npm: both count as one. */
const SAME_INTERRUPT_MS = 1_000;

/** Interval between checks whether npm, the parent process, is running, in milliseconds. */
const PARENT_CHECK_MS = 500;

/** @param {string} line */
function print(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  print(`\n${message}\n`);
  process.exit(1);
}

/**
 * The packages of a lockfile, or of npm's record of node_modules, which has the same format.
 *
 * @param {string} file
 * @returns {Record<string, { version?: string; integrity?: string; optional?: boolean }> |
 * undefined}
 */
function readLock(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Whether node_modules matches the lockfile; packages for other systems may be missing. */
function packagesAreInstalled() {
  const wanted = readLock("package-lock.json");
  if (wanted === undefined) {
    fail("package-lock.json cannot be read. Restore it with: git checkout package-lock.json");
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
 * The pid in a file; 0 if it is missing or empty.
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
 * Runs `work` under a lock for this folder: concurrent installations would corrupt node_modules.
 *
 * @param {() => Promise<void>} work
 */
async function withLock(work) {
  // Not in node_modules, which an installation removes.
  const folder = join(ROOT, ".data");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = join(folder, "install.pid");
  for (let printed = false; ; await sleep(200)) {
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
    } else if (holder > 0 && !printed) {
      print(`Waiting for process ${holder}, which is installing the packages …`);
      printed = true;
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

/** The npm that started this script, or the one in PATH. */
function npmCommand() {
  const caller = process.env.npm_execpath ?? "";
  return basename(caller) === "npm-cli.js" ? [process.execPath, caller] : ["npm"];
}

/** @returns {Promise<{ code: number | null; output: string }>} */
function npmCi() {
  const [command, ...first] = npmCommand();
  const args = ["ci", "--include=dev", "--ignore-scripts=false", "--loglevel=error", "--no-audit", "--no-fund"];
  return new Promise((resolve) => {
    const child = spawn(command, [...first, ...args], { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
    let output = "";
    child.stderr.on("data", (bytes) => {
      output = `${output}${bytes}`.slice(0, 8_000);
    });
    child.once("error", (error) => resolve({ code: 1, output: String(error) }));
    child.once("close", (code) => resolve({ code, output }));
  });
}

/**
 * The first lines of npm's error output.
 *
 * @param {string} output
 */
function firstLines(output) {
  const lines = output.trimEnd().split("\n");
  return lines
    .filter((line) => !/EBADENGINE|^npm error\s+at /.test(line))
    .slice(0, 12)
    .join("\n");
}

async function installPackages() {
  if (packagesAreInstalled()) {
    return;
  }
  print("Installing the packages and the pinned Node version (npm ci; takes about half a minute) …");
  const began = Date.now();
  const { code, output } = await npmCi();
  if (code !== 0) {
    const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network/i.test(
      output,
    );
    const diskFull = /ENOSPC/.test(output);
    const remedy = unreachable
      ? "The npm registry is unreachable. Check the network (npm config get proxy, npm config get registry), then run the same command again."
      : diskFull
        ? "The disk is full. Free disk space, then run the same command again."
        : "Fix the cause, then run the same command again.";
    fail(`npm ci failed:\n\n${firstLines(output)}\n\n${remedy}`);
  }
  if (!packagesAreInstalled()) {
    fail(
      "npm ci succeeded, but node_modules does not match package-lock.json. Remove node_modules and run the same command again.",
    );
  }
  print(`Installed the packages in ${Math.round((Date.now() - began) / 1000)} s.`);
}

/** Command prefix that makes the kernel send SIGTERM to the command when this process dies. */
function dieWithParent() {
  const works = process.platform === "linux" && spawnSync("setpriv", ["--pdeathsig", "TERM", "true"]).status === 0;
  return works ? ["setpriv", "--pdeathsig", "TERM", "--"] : [];
}

/**
 * Runs a command to its end. It has its own process group, so that it receives each signal once,
 * from this process, and not also from the terminal and npm.
 *
 * @param {readonly string[]} args
 * @returns {Promise<number>} its exit code
 */
function run(args) {
  const [command, ...rest] = [...dieWithParent(), NODE, ...args];
  const child = spawn(command, rest, {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ""}` },
  });
  let interruptedAt;
  const interrupt = (signal) => {
    const now = Date.now();
    if (interruptedAt === undefined) {
      interruptedAt = now;
      child.kill(signal);
    } else if (now - interruptedAt > SAME_INTERRUPT_MS) {
      child.kill("SIGKILL");
    }
  };
  const onSignal = {
    SIGINT: () => interrupt("SIGINT"),
    SIGTERM: () => interrupt("SIGTERM"),
    SIGHUP: () => interrupt("SIGTERM"),
  };
  for (const [signal, listener] of Object.entries(onSignal)) {
    process.on(signal, listener);
  }
  const parent = process.ppid;
  const parentCheck = setInterval(() => {
    if (process.env.npm_lifecycle_event !== undefined && process.ppid !== parent && interruptedAt === undefined) {
      interrupt("SIGTERM");
    }
  }, PARENT_CHECK_MS);
  return new Promise((resolve) => {
    child.once("error", (error) => {
      fail(`${NODE} cannot be started (${error.message}). Remove node_modules and run the same command again.`);
    });
    child.once("exit", (code, signal) => {
      clearInterval(parentCheck);
      // The listeners stay: a further Ctrl-C before the exit of this process must not change the
      // exit code.
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

const [name = "", ...args] = process.argv.slice(2);
const steps = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : /\.(ts|mjs)$/.test(name) ? [[name]] : undefined;
if (Number(process.versions.node.split(".")[0]) < 20) {
  fail(`Node ${process.versions.node} is not supported: install Node 20 or newer.`);
}
if (steps === undefined) {
  fail(`Usage: node scripts/run.mjs ${Object.keys(COMMANDS).join("|")} [arguments]`);
}
if (!packagesAreInstalled()) {
  await withLock(installPackages);
}
let exitCode = 0;
for (const [index, step] of steps.entries()) {
  exitCode = await run(index === steps.length - 1 ? [...step, ...args] : step);
  if (exitCode !== 0) {
    break;
  }
}
process.exitCode = exitCode;
