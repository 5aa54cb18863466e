/**
 * The benchmark suite: the service, other designs and no-op calls, measured in one run on one
 * machine.
 *
 *     npm run bench                     all scenarios in three rounds
 *     npm run bench -- --quick          one round of the short scenarios, in less than five minutes
 *     npm run bench -- --only update-status,hot-orders --rounds 5
 *     npm run bench -- --only update-status --engine mysql
 *     npm run bench -- --write-docs --from bench/results/2026-11-24.json
 */
import { relative } from "node:path";
import { describeMachine } from "../tools/testkit/machine.ts";
import { ensureMysql } from "../tools/testkit/mysql-program.ts";
import { optionsOrExit } from "../tools/testkit/program.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { writeDocs } from "./report/docs.ts";
import { type ScenarioReport, toScenarioReport } from "./report/report.ts";
import { readReport, saveReport } from "./report/store.ts";
import { formatReport } from "./report/tables.ts";
import { planMeasurements, runMeasurements } from "./run.ts";
import { chooseScenarios, SCENARIOS } from "./scenarios/index.ts";

async function run(options: Options): Promise<void> {
  if (options.list) {
    const lines = SCENARIOS.map(({ name, title, long }) => `  ${name.padEnd(16)} ${title}${long ? " (long)" : ""}`);
    console.log(lines.join("\n"));
    return;
  }
  if (options.from !== undefined) {
    writeDocs(readReport(options.from));
    return;
  }
  const measurements = planMeasurements(chooseScenarios(options.only, options.quick), options.rounds);
  const runs = await runMeasurements(measurements, options);
  const scenarios = runs.map((run) => toScenarioReport(run, options));
  if (options.engine === "mysql") {
    const machine = describeMachine({ MySQL: await ensureMysql(() => {}) });
    console.log(`\n${formatReport({ machine, scenarios })}`);
    process.exitCode = exitCodeOf(scenarios);
    return;
  }
  const report = { machine: describeMachine(), scenarios };
  const { file, all } = saveReport(report, options.quick);
  console.log(`\n${formatReport(report)}\n\n  Stored in ${relative(process.cwd(), file)}.`);
  if (options.writeDocs) {
    writeDocs(all);
    console.log("  Written to docs/performance.md.");
  }
  process.exitCode = exitCodeOf(scenarios);
}

function exitCodeOf(scenarios: readonly ScenarioReport[]): number {
  return scenarios.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

try {
  await run(optionsOrExit(USAGE, readOptions));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
