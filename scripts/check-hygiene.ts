/** Finds what must not be committed: machine paths, package hosts, notes, skipped tests. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

interface Rule {
  readonly what: string;
  readonly files: RegExp;
  readonly pattern: RegExp;
}

// The brackets keep this file from matching itself.
const RULES: readonly Rule[] = [
  {
    what: "package host; the lockfile must not contain registry URLs",
    files: /^package-lock\.json$/,
    pattern: /"resolve[d]": "http/,
  },
  { what: "machine path", files: /./, pattern: /(?<![\w.:])\/(?:wor[k]|roo[t]|hom[e]|User[s])\/[\w.-]+/ },
  { what: "unfinished note", files: /^(?!package-lock)/, pattern: /\b(?:TO[D]O|FIXM[E]|XX[X])\b/ },
  {
    what: "skipped or exclusive test",
    files: /^test\//,
    pattern: /\b(?:it|test|describe)(?:\.\w+)*\.(?:ski[p]|onl[y]|tod[o])\b|\b(?:xi[t]|xdescrib[e])\(/,
  },
  { what: "conflict marker", files: /./, pattern: /^(?:<{7}|>{7}) / },
];

const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
});
const files = listed.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));

let found = 0;
for (const file of files) {
  const rules = RULES.filter((rule) => rule.files.test(file));
  for (const [index, line] of readFileSync(join(root, file), "utf8").split("\n").entries()) {
    for (const { what, pattern } of rules) {
      if (pattern.test(line)) {
        found += 1;
        console.error(`${file}:${index + 1}: ${what}: ${line.trim().slice(0, 120)}`);
      }
    }
  }
}
process.exitCode = found === 0 ? 0 : 1;
