/** Compares gen/ with code freshly generated from proto/. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

function filesIn(folder: string): Map<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]));
}

const fresh = mkdtempSync(join(tmpdir(), "oms-gen-"));
try {
  const { status } = spawnSync("buf", ["generate", "--output", fresh], { cwd: root, stdio: "inherit" });
  if (status !== 0) {
    process.exit(1);
  }
  const [expected, found] = [filesIn(join(fresh, "gen")), filesIn(join(root, "gen"))];
  const stale = [...new Set([...expected.keys(), ...found.keys()])].filter(
    (path) => expected.get(path) !== found.get(path),
  );
  for (const path of stale) {
    console.error(`gen/${path} is stale; run npm run generate`);
  }
  process.exitCode = stale.length === 0 ? 0 : 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
