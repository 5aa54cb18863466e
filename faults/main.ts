/**
 * The fault suite: two services and their backends as processes, a workload, and faults planned
 * from a seed. Afterwards checks look for lost, duplicated, unexpected and reordered effects. The
 * report names every finding and the seed that reproduces it.
 *
 *     npm run faults -- --minutes 3 --seed 7
 *     npm run faults -- --rounds 1 --seed 9 --no-recovery --no-controls   # repeat one round
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { clearServiceVariables, optionsOrExit, SEEDS } from "../tools/testkit/program.ts";
import { showProgress } from "../tools/testkit/progress.ts";
import { drawRound } from "./chart.ts";
import { CONTROLS, type Control, delayStubSystems } from "./controls/index.ts";
import { type CheckResult, countFindings, formatCounts, totalFindings } from "./findings.ts";
import { CONTROL_LOAD_MS, planSchedule, readOptions, USAGE } from "./options.ts";
import { makePlan } from "./plan.ts";
import { checkRecovery, measureRecovery, type Recovery } from "./recovery.ts";
import { formatReport, hasPassed, type RunReport } from "./report.ts";
import { injectDuring, type Round, type RoundOptions, runRound } from "./round.ts";
import { countKills, createTotals } from "./totals.ts";
import type { Workload } from "./workload/index.ts";

const options = optionsOrExit(USAGE, readOptions);

/**
 * Time limit for outbox and ledger to drain, in milliseconds; short for a control, which never
 * drains completely.
 */
const DRAIN_MS = 60_000;
const CONTROL_DRAIN_MS = 6_000;

/**
 * Number of failed rounds whose data is kept (300 MB each); of further ones only the logs are kept.
 */
const MAX_KEPT = 5;

/** Interval of progress lines without a terminal, in milliseconds. */
const LINE_MS = 15_000;

/** Seed of a round: the run's seed plus its index. */
const seedOf = (round: number) => (options.seed + round) % SEEDS;
const roundMs = options.secondsPerRound * 1_000;
const schedule = planSchedule(options);
const dir = resolve(options.dir, String(options.seed));
const began = performance.now();
const totals = createTotals();
let phase = "";
let workload: Workload | undefined;
/** Faults of the current round. */
let injected: Round["injected"] = [];
let lastChart: string | undefined;
let failedRounds = 0;

clearServiceVariables();
mkdirSync(dir, { recursive: true });
process.stderr.write(`Seed ${options.seed}. To repeat: npm run faults -- ${argumentsWithSeed()}\n`);
const progress = showProgress({
  total: schedule.totalMs,
  value: () => performance.now() - began,
  text() {
    const events = totals.events + (workload?.events() ?? 0);
    const kills = totals.kills + countKills(injected);
    return `${phase}: ${events.toLocaleString("en")} events, ${kills} kills, ${totals.findings} findings`;
  },
  lineMs: LINE_MS,
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    report();
    console.log("Interrupted: the current round is not included.");
    process.exit(1);
  });
}

if (options.recovery) {
  let measured: readonly Recovery[] = [];
  await runAndReport(
    "recovery",
    seedOf(0),
    async (context) => {
      measured = await measureRecovery(context, options.perSecond);
      totals.addRecovery(measured);
    },
    () => [checkRecovery(measured)],
  );
}
for (let round = 0; round < schedule.rounds; round += 1) {
  await runAndReport(`round ${round + 1}`, seedOf(round), injectDuring(makePlan(seedOf(round), roundMs), roundMs));
}
if (options.controls) {
  for (const control of CONTROLS) {
    await runControl(control);
  }
}
process.exit(report() ? 0 : 1);

/**
 * Runs a round and adds its results. Its folder is kept when it failed.
 *
 * @param moreChecks results of further checks
 */
async function runAndReport(
  name: string,
  seed: number,
  underLoad: RoundOptions["underLoad"],
  moreChecks: () => readonly CheckResult[] = () => [],
): Promise<void> {
  const folder = join(dir, name.replace(" ", "-"));
  try {
    const completed = await run(name, { seed, dir: folder, drainMs: DRAIN_MS, underLoad });
    const round = { ...completed, results: [...moreChecks(), ...completed.results] };
    totals.add(round);
    const counts = countFindings(round.results);
    progress.print(
      `${name}, seed ${seed}: ${round.events.toLocaleString("en")} events, ${countKills(round.injected)} kills; ${formatCounts(counts)}, recovered ${round.recovered.toLocaleString("en")}`,
    );
    lastChart = drawRound(round);
    if (totalFindings(counts) === 0) {
      rmSync(folder, { recursive: true, force: true });
      return;
    }
    writeFileSync(join(folder, "timeline.svg"), lastChart);
    writeFileSync(join(folder, "findings.json"), `${JSON.stringify(round.results, undefined, 2)}\n`);
  } catch (error) {
    const text = `${name}, seed ${seed}, did not complete: ${error instanceof Error ? error.stack : error}`;
    totals.addFailedRound(seed, text);
    progress.print(text);
  }
  failedRounds += 1;
  const keepsData = failedRounds <= MAX_KEPT;
  if (!keepsData) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== "log") {
        rmSync(join(folder, entry.name), { recursive: true });
      }
    }
  }
  progress.print(`  Logs${keepsData ? " and data" : ""}: ${relative(".", folder)}`);
}

/** Runs a negative control. Its findings do not count against the service. */
async function runControl({ name, main, effectMs, plan }: Control): Promise<void> {
  const folder = join(dir, "control");
  const seed = seedOf(0);
  const injectFaults = injectDuring(plan(seed, CONTROL_LOAD_MS), CONTROL_LOAD_MS);
  const underLoad: RoundOptions["underLoad"] = async (context) => {
    await delayStubSystems(context.cluster.backendAddresses.stubSystemsUrl, effectMs);
    await injectFaults(context);
  };
  const round = await run(`control (${name})`, { seed, dir: folder, main, drainMs: CONTROL_DRAIN_MS, underLoad });
  const { lost } = countFindings(round.results);
  totals.addControl(name, lost);
  progress.print(`control (${name}): lost ${lost}, ${lost > 0 ? "detected" : "NOT DETECTED"}`);
  rmSync(folder, { recursive: true, force: true });
}

async function run(name: string, round: Omit<RoundOptions, "onProgress" | "perSecond">): Promise<Round> {
  try {
    return await runRound({
      ...round,
      perSecond: options.perSecond,
      onProgress(current) {
        phase = `${name}: ${current.phase}`;
        workload = current.workload;
        injected = current.injected;
      },
    });
  } finally {
    workload = undefined;
    injected = [];
  }
}

/** Prints and stores the report. Returns whether the run passed. */
function report(): boolean {
  progress.stop();
  const tookMs = performance.now() - began;
  const result: RunReport = { command: `npm run faults -- ${argumentsWithSeed()}`, tookMs, ...totals.report() };
  console.log(`\n${formatReport(result)}\n`);
  const store = (name: string, title: string, content: string) => {
    writeFileSync(join(dir, name), content);
    console.log(`${title}: ${relative(".", join(dir, name))}`);
  };
  if (lastChart !== undefined) {
    store("timeline.svg", "Chart of the last round", lastChart);
  }
  store("report.json", "Report", `${JSON.stringify(result, undefined, 2)}\n`);
  return hasPassed(result);
}

function argumentsWithSeed(): string {
  const given = process.argv.slice(2);
  const hasSeed = given.some((argument) => argument.startsWith("--seed"));
  return [...given, ...(hasSeed ? [] : ["--seed", String(options.seed)])].join(" ");
}
