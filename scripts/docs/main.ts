/**
 * Writes the generated blocks of the documents and the generated files; with `--check` reports
 * stale ones and exits with 1.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { grantsFile } from "../../src/store/users/grants.ts";
import { DEFAULT_PERMISSIONS } from "../../src/transport/auth/default-permissions.ts";
import { api, events } from "./api.ts";
import { cli } from "./cli.ts";
import { configuration } from "./configuration.ts";
import { contributing } from "./contributing.ts";
import { errors } from "./errors.ts";
import { migration } from "./migration.ts";
import { type Page, render } from "./page.ts";
import { stateMachine } from "./state-machine.ts";

const PAGES: readonly Page[] = [api, cli, configuration, contributing, errors, events, migration, stateMachine];

/** Whole files, by path. */
const FILES: Readonly<Record<string, () => string>> = {
  "deploy/mysql/grants.sql": grantsFile,
  "deploy/permissions.json": () => `${JSON.stringify(DEFAULT_PERMISSIONS, null, 2)}\n`,
};

const root = join(import.meta.dirname, "../..");
const checkOnly = process.argv.includes("--check");

function update(file: string, toFresh: (text: string) => string): void {
  const path = join(root, file);
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const fresh = toFresh(text);
  if (fresh === text) {
    return;
  }
  if (checkOnly) {
    console.error(`${file} is stale; run npm run docs`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, fresh);
    console.log(`${file} written`);
  }
}

for (const page of PAGES) {
  update(page.file, (text) => render(page, text));
}
for (const [file, content] of Object.entries(FILES)) {
  update(file, content);
}
