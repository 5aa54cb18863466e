/**
 * Checks the language of comments, string literals, documents, the contract and alerts: forbidden
 * words (scripts/language/words.ts) and lines of prose wider than 100 columns. Arguments limit it
 * to files and folders.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ALLOWED_USES } from "./language/allowed.ts";
import { type Prose, proseOf } from "./language/prose.ts";
import { wideLines } from "./language/width.ts";
import { FORBIDDEN_WORDS } from "./language/words.ts";

const root = join(import.meta.dirname, "..");

const CHECKED = /\.(ts|mjs|md|proto|ya?ml|sql|sh|conf)$|^\.ci\/run$|^package\.json$/;

/** Generated code, recorded legacy answers, and the word list itself. */
const EXCLUDED =
  /^gen\/|\/golden\/|^proto\/google\/|^bench\/results\/|^scripts\/language\/|^test\/unit\/scripts\/prose/;

interface Finding {
  readonly line: number;
  readonly text: string;
}

function filesToCheck(paths: readonly string[]): string[] {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ...paths], {
    cwd: root,
    encoding: "utf8",
  });
  return listed
    .split("\0")
    .filter((path) => CHECKED.test(path) && !EXCLUDED.test(path) && existsSync(join(root, path)));
}

const used = new Set<(typeof ALLOWED_USES)[number]>();

/** Whether the word at this offset is part of an allowed phrase. */
function isAllowed(path: string, source: string, offset: number): boolean {
  const allowed = ALLOWED_USES.find((entry) => {
    const inPath = entry.path === path || (entry.path.endsWith("/") && path.startsWith(entry.path));
    const near = source.slice(Math.max(0, offset - entry.phrase.length), offset + entry.phrase.length);
    return inPath && near.includes(entry.phrase);
  });
  if (allowed !== undefined) {
    used.add(allowed);
  }
  return allowed !== undefined;
}

function forbiddenWords(path: string, source: string, prose: readonly Prose[]): Finding[] {
  const lineAt = (offset: number) => source.slice(0, offset).split("\n").length;
  return prose.flatMap(({ text, start }) =>
    FORBIDDEN_WORDS.flatMap(({ pattern, instead }) =>
      [...text.matchAll(pattern)]
        .filter(({ index }) => !isAllowed(path, source, start + index))
        .map(({ 0: found, index }) => ({ line: lineAt(start + index), text: `"${found}": ${instead}` })),
    ),
  );
}

const paths = process.argv.slice(2);
let count = 0;
for (const path of filesToCheck(paths)) {
  const source = readFileSync(join(root, path), "utf8");
  const prose = proseOf(path, source);
  const findings = [...forbiddenWords(path, source, prose), ...wideLines(path, source, prose)];
  const lines = source.split("\n");
  for (const { line, text } of findings.toSorted((a, b) => a.line - b.line)) {
    console.error(`${path}:${line}: ${text}\n    ${lines[line - 1]?.trim().slice(0, 140)}`);
  }
  count += findings.length;
}
if (paths.length === 0) {
  for (const { path, phrase } of ALLOWED_USES.filter((entry) => !used.has(entry))) {
    console.error(`scripts/language/allowed.ts: ${path}: ${JSON.stringify(phrase)} no longer occurs; remove the entry`);
    count += 1;
  }
}
console.log(`${count} findings`);
process.exitCode = count === 0 ? 0 : 1;
