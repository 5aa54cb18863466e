/**
 * Follows an example of each recipe of CONTRIBUTING.md in a copy of the sources: every edit is in a
 * file that the recipe lists, the code generates and compiles, the tests that it touches pass, and
 * the documents have the new names.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Edit, RECIPE_EXAMPLES } from "./recipes/examples.ts";
import { recipesOf } from "./recipes/steps.ts";

const root = join(import.meta.dirname, "..");

let found = 0;
function report(fault: string): void {
  found += 1;
  console.error(fault);
}

const recipes = recipesOf(readFileSync(join(root, "CONTRIBUTING.md"), "utf8"));

function isListed(heading: string, file: string): boolean {
  const steps = recipes.find((recipe) => recipe.heading === heading)?.steps ?? [];
  return steps.some(({ file: listed }) =>
    new RegExp(
      `^${listed.replaceAll(".", "\\.").replaceAll("<name>", "[\\w-]+").replaceAll("<subject>", "[\\w-]+")}$`,
    ).test(file),
  );
}

for (const { heading, edits, maxSourceFiles } of RECIPE_EXAMPLES) {
  const files = [...new Set(edits.map(({ file }) => file))];
  for (const file of files.filter((name) => !isListed(heading, name))) {
    report(`CONTRIBUTING.md, ${heading}: does not list ${file}`);
  }
  const sources = files.filter((file) => file.startsWith("src/")).length;
  if (sources > maxSourceFiles) {
    report(`${heading}: ${sources} files of src/, at most ${maxSourceFiles} are allowed`);
  }
}

function apply(folder: string, edit: Edit): void {
  const path = join(folder, edit.file);
  if ("create" in edit) {
    if (existsSync(path)) {
      report(`example ${edit.file} already exists: choose another name in scripts/recipes/examples.ts`);
      return;
    }
    writeFileSync(path, edit.create);
    return;
  }
  const [head, tail, ...more] = readFileSync(path, "utf8").split(edit.before);
  if (tail === undefined || more.length > 0) {
    report(`${edit.file} has ${tail === undefined ? "no" : "several"} ${JSON.stringify(edit.before)}`);
    return;
  }
  writeFileSync(path, `${head}${edit.insert}${edit.before}${tail}`);
}

function run(folder: string, command: string, ...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: "utf8" });
  if (status !== 0) {
    report(`${command} ${args.join(" ")} failed:\n${error?.message ?? ""}${stdout}${stderr}`);
  }
}

const folder = mkdtempSync(join(root, ".recipes-"));
// An interrupt, too, removes the folder.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  });
}
try {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  for (const file of listed.split("\0").filter((name) => name !== "" && existsSync(join(root, name)))) {
    cpSync(join(root, file), join(folder, file));
  }
  cpSync(join(root, ".buf"), join(folder, ".buf"), { recursive: true });
  for (const edit of RECIPE_EXAMPLES.flatMap(({ edits }) => edits)) {
    apply(folder, edit);
  }
  if (found === 0) {
    run(folder, "buf", "lint");
    run(folder, "buf", "generate");
    run(folder, "tsc", "--project", ".", "--pretty", "false");
    const tests = RECIPE_EXAMPLES.flatMap(({ tests = [] }) => tests);
    run(folder, "vitest", "run", "--project", "unit", ...tests);
    run(folder, process.execPath, "scripts/docs/main.ts");
    run(folder, process.execPath, "scripts/grafana-dashboard.ts", "--write");
    run(folder, process.execPath, "scripts/check-observability.ts");
    for (const [file, text] of RECIPE_EXAMPLES.flatMap(({ documented = {} }) => Object.entries(documented))) {
      if (!readFileSync(join(folder, file), "utf8").includes(text)) {
        report(`${file} lacks ${text}`);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${RECIPE_EXAMPLES.length} recipes`);
process.exitCode = found === 0 ? 0 : 1;
