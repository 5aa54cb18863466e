/**
 * The benchmark suite: the service beside the old design, the textbook's, and calls that do nothing, all in one run on one machine.
 *
 *     npm run bench                     all of it, in three rounds
 *     npm run bench -- --quick          nothing that is long, one round, in less than five minutes
 *     npm run bench -- --only update-status,hot-orders --rounds 5
 */
import { relative } from "node:path";
import { startBackends } from "../tools/testkit/backends.ts";
import { describeMachine } from "./machine-description.ts";
import { type Options, readOptions } from "./options.ts";
import { showProgress } from "./progress.ts";
import { writeDocs } from "./report/docs.ts";
import { saveReport } from "./report/file.ts";
import { type Report, toScenarioReport } from "./report/report.ts";
import { formatReport } from "./report/text.ts";
import { planMeasurements, runMeasurements, type ScenarioRun } from "./run.ts";
import { chooseScenarios, SCENARIOS } from "./scenarios/index.ts";

/** What a program that Ctrl-C ended exits with. */
const INTERRUPTED = 130;

async function measure(options: Options): Promise<readonly ScenarioRun[]> {
  const turns = planMeasurements(chooseScenarios(options.only, options.quick), options.rounds);
  const progress = showProgress(turns.length);
  const processes = await startBackends(progress.print);
  const interrupted = async () => {
    progress.stop();
    await processes.stop();
    process.exit(INTERRUPTED);
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    return await runMeasurements(turns, options, processes, progress);
  } finally {
    progress.stop();
    await processes.stop();
  }
}

async function run(options: Options): Promise<void> {
  if (options.list) {
    const lines = SCENARIOS.map(({ name, title, long }) => `  ${name.padEnd(16)} ${title}${long ? " (long)" : ""}`);
    console.log(lines.join("\n"));
    return;
  }
  const measured = await measure(options);
  const scenarios = measured.map((one) => toScenarioReport(one, options));
  const report: Report = { machine: describeMachine(), scenarios };
  const { file, all } = saveReport(
    report,
    options.quick,
    SCENARIOS.map(({ name }) => name),
  );
  console.log(`\n${formatReport(report)}\n\n  Kept in ${relative(process.cwd(), file)}.`);
  if (options.writeDocs) {
    writeDocs(all);
    console.log("  Written into docs/performance.md.");
  }
  process.exitCode = scenarios.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
