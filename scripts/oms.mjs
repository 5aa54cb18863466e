#!/usr/bin/env node
/**
 * `npx oms`: starts the command line, in plain JavaScript for Node 20 or newer. If this Node cannot
 * run TypeScript, the pinned Node of the packages is used.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = join(ROOT, "node_modules");
const NODE = join(PACKAGES, ".bin", "node");

/** Exit code if the command line cannot run. */
const UNREACHABLE = 3;

/** Caches compiled code: stripping types and compiling takes half of the startup time. */
async function runHere() {
  module.enableCompileCache?.(join(PACKAGES, ".cache", "oms"));
  await import("../tools/cli/main.ts");
}

/**
 * Runs this file with the pinned Node, if there is one for this system. It detects the end of this
 * process by the IPC channel.
 */
function runWithPinnedNode() {
  if (!existsSync(NODE)) {
    const version = readFileSync(join(ROOT, ".node-version"), "utf8").trim();
    process.stderr.write(`Node ${process.versions.node} is too old for the command line: install Node ${version}.\n`);
    process.exitCode = UNREACHABLE;
    return;
  }
  const child = spawn(NODE, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.once("error", (error) => {
    process.stderr.write(`${NODE} cannot be started (${error.message}). Remove node_modules, then run npm start.\n`);
    process.exitCode = UNREACHABLE;
  });
  child.once("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

if (!existsSync(PACKAGES)) {
  process.stderr.write("The packages are not installed. Run npm start in the repository once, which installs them.\n");
  process.exitCode = UNREACHABLE;
} else if (process.features.typescript) {
  await runHere();
} else {
  runWithPinnedNode();
}
