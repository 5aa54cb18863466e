/**
 * Generates the Grafana dashboard from scripts/observability/panels.ts (`--write`), or checks that
 * it is current.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDashboard } from "./observability/dashboard.ts";

const file = "deploy/observability/grafana-dashboard.json";
const path = join(import.meta.dirname, "..", file);
const fresh = `${JSON.stringify(makeDashboard(), null, 2)}\n`;

if (process.argv.includes("--write")) {
  writeFileSync(path, fresh);
} else if (!existsSync(path) || readFileSync(path, "utf8") !== fresh) {
  console.error(`${file} is out of date: run node scripts/run.mjs scripts/grafana-dashboard.ts --write`);
  process.exitCode = 1;
}
