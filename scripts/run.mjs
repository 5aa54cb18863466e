/**
 * First step of every npm script, in plain JavaScript for Node 20 or newer: installs the packages
 * of the lockfile if necessary, then runs the command with the pinned Node, which is one of them.
 * npm verifies each by its checksum in the lockfile, and runs no scripts of packages.
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
const PINNED_NODE = join(BIN, "node");

/** The package of the pinned Node for this system, if there is one. */
const NODE_PACKAGE = `node_modules/node-${process.platform}-${process.arch}`;

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
  "test:mysql": [["--env-file=test/mysql.env", "node_modules/vitest/vitest.mjs", "run", "--project", "integration"]],
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

/** Commands that the packages of production suffice for. */
const PRODUCTION = new Set(["start", "demo"]);

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
 * @typedef {object} Entry a package in a lockfile
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 */

/**
 * The packages of a lockfile, or of npm's record of node_modules, which has the same format.
 *
 * @param {string} file
 * @returns {Record<string, Entry> | undefined}
 */
function readLock(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** The C library of this system, as lockfiles name it. */
function libc() {
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined ? "musl" : "glibc";
}

/**
 * Whether a package is a build for this system. Optional packages that are made for all systems may
 * be missing: they are required by builds for other systems.
 *
 * @param {Entry} entry
 */
function isBuildForSystem(entry) {
  return (
    entry.os?.includes(process.platform) &&
    entry.cpu?.includes(process.arch) &&
    (entry.libc === undefined || entry.libc.includes(libc()))
  );
}

function wantedPackages() {
  const { "": _root, ...packages } = readLock("package-lock.json") ?? {};
  if (Object.keys(packages).length === 0) {
    fail("package-lock.json cannot be read. Restore it with: git checkout package-lock.json");
  }
  return packages;
}

/**
 * Paths of the packages in which node_modules differs from the lockfile.
 *
 * @param {string} command for which packages of development may be missing if it is in PRODUCTION
 * @returns {string[]}
 */
function differingPackages(command) {
  const wanted = wantedPackages();
  const present = readLock("node_modules/.package-lock.json") ?? {};
  const mayBeMissing = (entry) =>
    (entry.dev && PRODUCTION.has(command)) || (entry.optional && !isBuildForSystem(entry));
  const differs = (path) =>
    path in present && (path !== NODE_PACKAGE || existsSync(PINNED_NODE))
      ? wanted[path].version !== present[path].version || wanted[path].integrity !== present[path].integrity
      : !mayBeMissing(wanted[path]);
  return [...Object.keys(wanted).filter(differs), ...Object.keys(present).filter((path) => !(path in wanted))];
}

/**
 * The program of Node: the pinned one, or the one that runs this script if it is of the same major
 * version and there is no pinned one for this system.
 */
function nodeProgram() {
  if (existsSync(PINNED_NODE)) {
    return PINNED_NODE;
  }
  const version = readFileSync(join(ROOT, ".node-version"), "utf8").trim();
  if (process.versions.node.split(".")[0] !== version.split(".")[0]) {
    fail(
      `For ${process.platform} on ${process.arch} there is no pinned Node, and this one is ${process.versions.node}. ` +
        `Install Node ${version} (version managers read .node-version), then run the same command again.`,
    );
  }
  return process.execPath;
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

/**
 * Options of `npm ci`. They take precedence over the settings of the user that would install
 * something else than the lockfile, or nothing. Its registry, proxy, cache and security settings
 * apply. Packages are run by the pinned Node, so the version of npm's own does not matter.
 */
const CI_OPTIONS = [
  "--ignore-scripts",
  "--include=optional",
  "--install-strategy=hoisted",
  "--bin-links",
  "--location=project",
  "--no-global",
  "--no-dry-run",
  "--no-package-lock-only",
  "--no-engine-strict",
  "--loglevel=error",
  "--no-audit",
  "--no-fund",
];

/**
 * Runs `npm ci`.
 *
 * @param {string} command for one of PRODUCTION, packages of development are installed unless the
 * settings of the user (`omit=dev`, NODE_ENV=production) omit them
 * @returns {Promise<{ code: number | null; output: string }>}
 */
function npmCi(command) {
  const [program, ...first] = npmCommand();
  const args = ["ci", ...CI_OPTIONS, ...(PRODUCTION.has(command) ? [] : ["--include=dev"])];
  return new Promise((resolve) => {
    const child = spawn(program, [...first, ...args], { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
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

/** What to do about an error of npm, by its code or text; the first that matches. */
const REMEDIES = [
  [
    /EINTEGRITY/,
    "A package is not the one whose checksum is in package-lock.json; it was not installed. Check the registry (npm config get registry) and the cache (npm cache verify), and report it if the registry itself sends the package: SECURITY.md.",
  ],
  [
    /ENOTCACHED/,
    "npm is set to work offline, and its cache lacks packages. Run the same command once with npm_config_offline=false.",
  ],
  [
    /with a date before/,
    "Your npm setting min-release-age or before excludes a version of package-lock.json. To accept the pinned versions, run the same command once with npm_config_min_release_age=0 (or npm_config_before=null).",
  ],
  [
    /SELF_SIGNED_CERT|UNABLE_TO_(?:GET_ISSUER|VERIFY)|CERT_HAS_EXPIRED|ERR_TLS/,
    "npm does not trust the certificate of the registry or proxy. Set its CA (npm config set cafile FILE), then run the same command again.",
  ],
  [
    /\b(?:E401|E403|E404|E407|ENEEDAUTH|ETARGET)\b/,
    "The registry or proxy refuses a package. Check npm config get registry, proxy and the login (npm whoami), then run the same command again.",
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network/i,
    "The npm registry is unreachable. Check the network (npm config get proxy, npm config get registry), then run the same command again.",
  ],
  [/ENOSPC/, "The disk is full. Free disk space, then run the same command again."],
  [
    /EACCES|EPERM|EROFS/,
    "node_modules or the cache of npm (npm config get cache) cannot be written. Correct the permissions, then run the same command again.",
  ],
];

/** @param {string} command */
async function installPackages(command) {
  if (differingPackages(command).length === 0) {
    return;
  }
  print("Installing the packages and the pinned Node version (npm ci; takes about half a minute) …");
  const began = Date.now();
  const { code, output } = await npmCi(command);
  if (code !== 0) {
    const [, remedy] = REMEDIES.find(([pattern]) => pattern.test(output)) ?? [
      undefined,
      "Fix the cause, then run the same command again.",
    ];
    fail(`npm ci failed:\n\n${firstLines(output)}\n\n${remedy}`);
  }
  const differing = differingPackages(command);
  if (differing.length > 0) {
    // npm reports no error if it cannot fetch or verify an optional package.
    fail(
      `npm ci succeeded, but node_modules lacks packages of package-lock.json:\n\n${differing.slice(0, 12).join("\n")}\n\n` +
        "The registry (npm config get registry) does not have them, or has others than those whose checksums are in package-lock.json, or the settings os, cpu or libc of npm exclude them.",
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
  const node = nodeProgram();
  const [command, ...rest] = [...dieWithParent(), node, ...args];
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
      fail(`${node} cannot be started (${error.message}). Remove node_modules and run the same command again.`);
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
if (differingPackages(name).length > 0) {
  await withLock(() => installPackages(name));
}
let exitCode = 0;
for (const [index, step] of steps.entries()) {
  exitCode = await run(index === steps.length - 1 ? [...step, ...args] : step);
  if (exitCode !== 0) {
    break;
  }
}
process.exitCode = exitCode;
