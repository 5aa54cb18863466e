#!/usr/bin/env node
/**
 * `npx oms`: the command line, in plain JavaScript for any Node from 20 on. A Node that runs TypeScript goes on by itself; any other
 * hands over to the pinned one among the packages.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = join(ROOT, "node_modules");
const NODE = join(PACKAGES, ".bin", "node");

/** What we exit with when nothing can be reached yet. */
const OUT_OF_REACH = 3;

/** Stripping and compiling takes half of the time to the first answer: once is enough. */
async function runHere() {
  module.enableCompileCache?.(join(PACKAGES, ".cache", "oms"));
  await import("../tools/cli/main.ts");
}

/** Runs this file with the pinned Node. The channel tells it when we are gone, however that came. */
function runWithPinnedNode() {
  const child = spawn(NODE, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.once("error", (error) => {
    process.stderr.write(`${NODE} cannot be run (${error.message}): remove node_modules, then npm start.\n`);
    process.exitCode = OUT_OF_REACH;
  });
  child.once("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
  });
}

if (!existsSync(NODE)) {
  process.stderr.write(
    "The packages are not there yet. Start the service once, with npm start in the repository's folder: it gets them.\n",
  );
  process.exitCode = OUT_OF_REACH;
} else if (process.features.typescript) {
  await runHere();
} else {
  runWithPinnedNode();
}
