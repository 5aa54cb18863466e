/**
 * Checks that documents point to what exists: links and their anchors, paths, environment
 * variables, and tables and metrics, which are the names that begin with `oms_`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { CONFIG_VARIABLES } from "../src/config/variables.ts";
import { anchorsOf, documents, withoutCodeBlocks } from "./docs/markdown.ts";
import { exposedSeries } from "./observability/exposed.ts";

const root = join(import.meta.dirname, "..");

/** Documents that describe former names on purpose. */
const HISTORICAL = /^CHANGELOG\.md$/;

/** The names of that form in the code. */
function namesInCode(pattern: string, ...paths: string[]): Set<string> {
  const output = execFileSync("git", ["grep", "-ohE", pattern, "--", ...paths], { cwd: root, encoding: "utf8" });
  return new Set(output.split("\n").filter((name) => name !== ""));
}

const FORMER = new Set(CONFIG_VARIABLES.map(({ formerly }) => formerly));
const VARIABLES = new Set(
  [
    ...namesInCode("OMS_[A-Z][A-Z0-9_]*", "src", "tools", "scripts", "test", "bench", "faults", "fuzz", "attack"),
  ].filter((name) => !FORMER.has(name)),
);
const METRICS = exposedSeries();
const TABLES = namesInCode("oms_[a-z0-9_]+", "src", "deploy/mysql", "deploy/nats", "bench/baselines");

function isKnownName(name: string): boolean {
  const histogram = [`${name}_bucket`, name.replace(/_(?:bucket|count|sum)$/, "_bucket")];
  return METRICS.has(name) || TABLES.has(name) || histogram.some((series) => METRICS.has(series));
}

let found = 0;
function report(file: string, line: number, fault: string): void {
  found += 1;
  console.error(`${file}:${line}: ${fault}`);
}

function checkLink(file: string, line: number, target: string): void {
  const [path = "", anchor] = target.split("#");
  const resolved = path === "" ? file : normalize(join(dirname(file), decodeURI(path)));
  if (!existsSync(join(root, resolved))) {
    report(file, line, `broken link ${target}`);
  } else if (anchor !== undefined && resolved.endsWith(".md")) {
    if (!anchorsOf(readFileSync(join(root, resolved), "utf8")).has(anchor)) {
      report(file, line, `broken link ${target}: no such heading`);
    }
  }
}

/** A path in inline code; one with a placeholder is left out. */
const PATH =
  /`((?:src|tools|test|scripts|proto|docs|deploy|examples|bench|faults|fuzz|attack|gen|packages)\/[\w./-]*)`/g;

for (const { file, text } of documents()) {
  if (HISTORICAL.test(file)) {
    continue;
  }
  for (const [index, line] of withoutCodeBlocks(text).split("\n").entries()) {
    for (const [, target = ""] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (!/^[a-z]+:/.test(target)) {
        checkLink(file, index + 1, target);
      }
    }
    for (const [, path = ""] of line.matchAll(PATH)) {
      if (!existsSync(join(root, path))) {
        report(file, index + 1, `${path} does not exist`);
      }
    }
  }
  // The table of renamed variables.
  const current = text.replace(/<!-- generated: renamed -->[\s\S]*?<!-- \/generated -->/, (block) =>
    "\n".repeat(block.split("\n").length - 1),
  );
  for (const [index, line] of current.split("\n").entries()) {
    for (const [name] of line.matchAll(/\bOMS_[A-Z][A-Z0-9_]*\b/g)) {
      if (!VARIABLES.has(name)) {
        report(file, index + 1, `${name} does not exist`);
      }
    }
    for (const [name] of line.matchAll(/\boms_[a-z0-9_]+\b/g)) {
      if (!isKnownName(name)) {
        report(file, index + 1, `${name} is neither a metric nor a table`);
      }
    }
  }
}
process.exitCode = found === 0 ? 0 : 1;
