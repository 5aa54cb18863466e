import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const readme = join(import.meta.dirname, "..", "README.md");

/**
 * Keeps a part of the README that is made from the sources, between `<!-- name -->` and `<!-- /name -->`. Without `--write` on the
 * command line it only looks, and ends the process with 1 where the part is stale.
 */
export function keepReadmeBlock(name: string, content: string, script: string): void {
  const text = readFileSync(readme, "utf8");
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) {
    console.error(`README.md has no ${begin} … ${end}`);
    process.exitCode = 1;
    return;
  }
  const fresh = `${text.slice(0, from + begin.length)}\n${content.trim()}\n${text.slice(to)}`;
  if (fresh === text) {
    return;
  }
  if (process.argv.includes("--write")) {
    writeFileSync(readme, fresh);
  } else {
    console.error(`README.md: the ${name} is stale: node scripts/${script} --write`);
    process.exitCode = 1;
  }
}
