import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/**
 * Keeps a part of a document that is made from the sources, between `<!-- name -->` and `<!-- /name -->`. Without `--write` on the
 * command line it only looks, and ends the process with 1 where the part is stale.
 *
 * @param file from the root of the repository, for example README.md
 * @param script the one that calls, for the message
 */
export function keepDocBlock(file: string, name: string, content: string, script: string): void {
  const path = join(root, file);
  const text = readFileSync(path, "utf8");
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) {
    console.error(`${file} has no ${begin} … ${end}`);
    process.exitCode = 1;
    return;
  }
  const fresh = `${text.slice(0, from + begin.length)}\n${content.trim()}\n${text.slice(to)}`;
  if (fresh === text) {
    return;
  }
  if (process.argv.includes("--write")) {
    writeFileSync(path, fresh);
  } else {
    console.error(`${file}: the ${name} is stale: node scripts/run.mjs scripts/${script} --write`);
    process.exitCode = 1;
  }
}

/** A table in Markdown. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(titles), line(titles.map(() => "---")), ...rows.map(line)].join("\n");
}
