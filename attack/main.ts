/**
 * Attacks a service of its own while ordinary callers use it, and measures what they notice: the
 * time of their calls, failed calls, memory, and how long the event loop is held. Exits with 1 when
 * an attack exceeds a limit.
 *
 *     npm run attack                     all attacks, in less than ten minutes
 *     npm run attack -- --only wsdl,envelopes --seconds 10
 *     npm run attack -- --write-docs     also writes the table into docs/security.md
 */
import { formatTable } from "../tools/demo/format.ts";
import { describeMachine } from "../tools/testkit/machine.ts";
import { clearServiceVariables, optionsOrExit } from "../tools/testkit/program.ts";
import { showProgress } from "../tools/testkit/progress.ts";
import { startEnvironment } from "./environment.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { HEADINGS, nameOf, otherLoadNote, rowOf, writeDocs } from "./report.ts";
import { createRunner, exceeded, type Measurement } from "./run.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

/** Exit code after SIGINT. */
const INTERRUPTED = 130;

function choose(only: Options["only"]): readonly Scenario[] {
  const chosen = SCENARIOS.filter(
    (scenario) => only === undefined || only.some((text) => nameOf(scenario).includes(text)),
  );
  if (chosen.length === 0) {
    throw new Error(`--only ${only?.join(",")}: no attack has such a name; --list prints all`);
  }
  return chosen;
}

async function attackAll(scenarios: readonly Scenario[], { seconds, verbose }: Options): Promise<Measurement[]> {
  let current = "";
  const measurements: Measurement[] = [];
  const progress = showProgress({
    total: scenarios.length,
    value: () => measurements.length,
    text: () => `${measurements.length + 1} of ${scenarios.length}: ${current}`,
  });
  const environment = await startEnvironment(progress.print);
  const runner = createRunner(environment, seconds);
  const stop = async () => {
    progress.stop();
    runner.stop();
    await environment.stop();
  };
  const onSignal = () => void stop().then(() => process.exit(INTERRUPTED));
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    for (const scenario of scenarios) {
      current = nameOf(scenario);
      progress.draw();
      const measurement = await runner.measure(scenario, (first) =>
        progress.print(`  ${current}: ${exceeded(first).join("; ")}; once more`),
      );
      measurements.push(measurement);
      const verdict = exceeded(measurement).join("; ") || "within the limits";
      progress.print(
        `  ${current}: ${verdict}${verbose ? ` ${JSON.stringify(rowOf(measurement))} ${JSON.stringify(measurement.result)}` : ""}`,
      );
    }
  } finally {
    await stop();
  }
  return measurements;
}

async function run(options: Options): Promise<void> {
  const scenarios = choose(options.only);
  if (options.list) {
    console.log(scenarios.map(nameOf).join("\n"));
    return;
  }
  const measurements = await attackAll(scenarios, options);
  console.log(`\n${formatTable([HEADINGS, ...measurements.map(rowOf)])}`);
  const faults = measurements.filter((measurement) => exceeded(measurement).length > 0);
  console.log(
    faults.length === 0
      ? `\n${measurements.length} attacks, all within the limits.`
      : `\n${faults.length} of ${measurements.length} attacks exceed a limit:\n${faults.map((fault) => `  ${nameOf(fault.scenario)}: ${exceeded(fault).join("; ")}`).join("\n")}`,
  );
  const note = otherLoadNote(measurements);
  if (note !== undefined) {
    console.log(`\n${note}`);
  }
  if (options.writeDocs) {
    writeDocs(measurements, describeMachine(), options.seconds);
    console.log("Written to docs/security.md.");
  }
  process.exitCode = faults.length > 0 ? 1 : 0;
}

try {
  const options = optionsOrExit(USAGE, readOptions);
  clearServiceVariables();
  await run(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
