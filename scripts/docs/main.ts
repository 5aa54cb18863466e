/**
 * Writes the generated blocks of the documents; with `--check` reports stale ones and exits with 1.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { api, events } from "./api.ts";
import { cli } from "./cli.ts";
import { configuration } from "./configuration.ts";
import { contributing } from "./contributing.ts";
import { errors } from "./errors.ts";
import { migration } from "./migration.ts";
import { type Page, render } from "./page.ts";
import { stateMachine } from "./state-machine.ts";

const PAGES: readonly Page[] = [api, cli, configuration, contributing, errors, events, migration, stateMachine];

const root = join(import.meta.dirname, "../..");
const checkOnly = process.argv.includes("--check");

for (const page of PAGES) {
  const path = join(root, page.file);
  const text = readFileSync(path, "utf8");
  const fresh = render(page, text);
  if (fresh === text) {
    continue;
  }
  if (checkOnly) {
    console.error(`${page.file} is stale; run npm run docs`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, fresh);
    console.log(`${page.file} written`);
  }
}
