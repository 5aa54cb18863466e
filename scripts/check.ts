/**
 * Runs all static checks: `npm run check`. Prints one line per check, then the output of those that
 * failed.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "..");
const env = {
  ...process.env,
  PATH: `${join(root, "node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`,
  NO_COLOR: "1",
};

interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const script = (name: string, ...args: string[]): Check["command"] => [
  process.execPath,
  join("scripts", name),
  ...args,
];

/** The slowest first. */
const CHECKS: readonly Check[] = [
  { name: "recipes of CONTRIBUTING.md", command: script("check-recipes.ts") },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "generated code is fresh", command: script("check-generated.ts") },
  { name: "unused code and dependencies", command: ["knip", "--no-progress", "--no-config-hints"] },
  { name: "contract is compatible", command: script("check-breaking.ts") },
  {
    name: "import rules",
    command: [
      "depcruise",
      "--config",
      ".dependency-cruiser.mjs",
      "src",
      "gen",
      "tools",
      "test",
      "scripts",
      "examples",
      "bench",
      "faults",
      "fuzz",
      "attack",
    ],
  },
  { name: "contract lint", command: ["buf", "lint"] },
  { name: "contract format", command: ["buf", "format", "proto", "--diff", "--exit-code"] },
  { name: "format and lint", command: ["biome", "check"] },
  { name: "generated documents are fresh", command: script("docs/main.ts", "--check") },
  { name: "code blocks of documents", command: script("check-code-blocks.ts") },
  { name: "links and names in documents", command: script("check-documents.ts") },
  { name: "dashboard is fresh", command: script("grafana-dashboard.ts") },
  { name: "queries of dashboard, alerts and runbook", command: script("check-observability.ts") },
  { name: "language of comments, texts and documents", command: script("check-language.ts") },
  { name: "lockfile has every checksum", command: script("complete-lockfile.mjs", "--check") },
  { name: "repository hygiene", command: script("check-hygiene.ts") },
];

interface Result {
  readonly passed: boolean;
  readonly output: string;
}

function run([program, ...args]: Check["command"]): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (bytes: Buffer) => {
      output += bytes.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => resolve({ passed: false, output: `${program}: ${error.message}` }));
    child.on("close", (code) => resolve({ passed: code === 0, output }));
  });
}

/** A check that could not run prints its reason in such a line. */
const SKIPPED = /^skipped: .*$/m;

async function perform({ name, command }: Check): Promise<{ name: string } & Result> {
  const start = performance.now();
  const result = await run(command);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const skipped = result.passed ? SKIPPED.exec(result.output)?.[0] : undefined;
  console.log(`${result.passed ? (skipped ? "–" : "✓") : "✗"} ${name} (${skipped ?? `${seconds} s`})`);
  return { name, ...result };
}

// buf needs it to compile the contract.
const prepared = await run(script("print-validate-proto.ts"));
if (!prepared.passed) {
  console.error(prepared.output);
  process.exit(1);
}

const waiting = CHECKS.values();
const failed: ({ name: string } & Result)[] = [];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (const check of waiting) {
      const result = await perform(check);
      if (!result.passed) {
        failed.push(result);
      }
    }
  }),
);
for (const { name, output } of failed) {
  console.error(`\n── ${name} ──\n${output.trimEnd()}`);
}
console.log(`\n${CHECKS.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
