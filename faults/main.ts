/**
 * The fault suite: two services and the servers around them as real processes, a workload, and faults by a seed; when the dust has
 * settled, checkers look whether anything was lost, doubled, made up or turned around. What they find, and the seed that finds it again,
 * stand at the end.
 *
 *     npm run faults -- --minutes 3 --seed 7
 *     npm run faults -- --rounds 1 --seed 9 --no-recovery --no-controls   # one round, once more
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { CONTROLS, type Control, delayStubSystems } from "./control-rounds.ts";
import { countFindings, formatCounts, totalFindings } from "./findings.ts";
import { type Options, readOptions, SEEDS } from "./options.ts";
import { makePlan } from "./plan.ts";
import { showProgress } from "./progress.ts";
import { checkRecovery, measureRecovery, type Recovery } from "./recovery.ts";
import { formatReport, hasPassed, type RunSummary } from "./report.ts";
import { injectDuring, type Round, type RoundOptions, runRound } from "./round.ts";
import { drawRound } from "./round-chart.ts";
import { CONTROL_LOAD_MS, planSchedule } from "./schedule.ts";
import { countKills, createTotals } from "./totals.ts";
import type { CheckResult } from "./types.ts";
import type { Workload } from "./workload/index.ts";

const options = optionsOrExit();

/** How long everything may take to be done after the load, in milliseconds; what a control has lost is waited for in vain. */
const DRAIN_MS = 60_000;
const CONTROL_DRAIN_MS = 6_000;

/** The data of so many rounds with findings are kept, 300 MB each; of further ones the logs. */
const MOST_KEPT = 5;

/** Each round has a seed of its own: the run's, and one more for each further round. */
const seedOf = (round: number) => (options.seed + round) % SEEDS;
const roundMs = options.secondsPerRound * 1_000;
const schedule = planSchedule({ ...options, roundMs });
const dir = resolve(options.dir, String(options.seed));
const began = performance.now();
const sums = createTotals();
let phase = "";
let workload: Workload | undefined;
/** Of the round under way. */
let injected: Round["injected"] = [];
let lastPicture: string | undefined;
let kept = 0;

// The services' settings are the suite's alone.
for (const name of Object.keys(process.env).filter((name) => name.startsWith("OMS_"))) {
  delete process.env[name];
}
mkdirSync(dir, { recursive: true });
process.stderr.write(`Fault suite, seed ${options.seed}; to run it again: npm run faults -- ${argumentsWithSeed()}\n`);
const progress = showProgress(schedule.totalMs, () => ({
  phase,
  events: sums.events + (workload?.events() ?? 0),
  kills: sums.kills + countKills(injected),
  findings: sums.findings,
}));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    report();
    console.log("Cut short: what was under way does not count.");
    process.exit(1);
  });
}

if (options.recovery) {
  let measured: readonly Recovery[] = [];
  await runAndCheck(
    "recovery",
    seedOf(0),
    async (world) => {
      measured = await measureRecovery(world, options.perSecond);
      sums.addRecovery(measured);
    },
    () => [checkRecovery(measured)],
  );
}
for (let round = 0; round < schedule.rounds; round += 1) {
  await runAndCheck(`round ${round + 1}`, seedOf(round), injectDuring(makePlan(seedOf(round), roundMs), roundMs));
}
if (options.controls) {
  for (const control of CONTROLS) {
    await runControl(control);
  }
}
process.exit(report() ? 0 : 1);

/**
 * Runs it and adds what it came to. Its folder stays when there is something in it to look at.
 *
 * @param judge says what else was found
 */
async function runAndCheck(
  name: string,
  seed: number,
  load: RoundOptions["load"],
  judge: () => readonly CheckResult[] = () => [],
): Promise<void> {
  const folder = join(dir, name.replace(" ", "-"));
  try {
    const ran = await run(name, { seed, dir: folder, drainMs: DRAIN_MS, load });
    const round = { ...ran, results: [...judge(), ...ran.results] };
    sums.add(round);
    const counts = countFindings(round.results);
    const kills = countKills(round.injected);
    progress.print(
      `${name}, seed ${seed}: ${round.events.toLocaleString("en")} events, ${kills} kills; ${formatCounts(counts)}, recovered ${round.recovered.toLocaleString("en")}`,
    );
    lastPicture = drawRound(round);
    if (totalFindings(counts) === 0) {
      rmSync(folder, { recursive: true, force: true });
      return;
    }
    writeFileSync(join(folder, "timeline.svg"), lastPicture);
    writeFileSync(join(folder, "findings.json"), `${JSON.stringify(round.results, undefined, 2)}\n`);
  } catch (error) {
    const text = `${name}, seed ${seed}, broke off: ${error instanceof Error ? error.stack : error}`;
    sums.addFailedRound(seed, text);
    progress.print(text);
  }
  kept += 1;
  if (kept > MOST_KEPT) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== "log") {
        rmSync(join(folder, entry.name), { recursive: true });
      }
    }
  }
  progress.print(`  Its logs${kept > MOST_KEPT ? "" : " and data"} are kept in ${relative(".", folder)}`);
}

/** Built the wrong way: what is found is no finding about the service. */
async function runControl({ name, main, effectMs, plan }: Control): Promise<void> {
  const folder = join(dir, "control");
  const seed = seedOf(0);
  const injectFaults = injectDuring(plan(seed, CONTROL_LOAD_MS), CONTROL_LOAD_MS);
  const load: RoundOptions["load"] = async (context) => {
    await delayStubSystems(context.cluster.backendAddresses.stubSystemsUrl, effectMs);
    await injectFaults(context);
  };
  const round = await run(`control (${name})`, { seed, dir: folder, main, drainMs: CONTROL_DRAIN_MS, load });
  const { lost } = countFindings(round.results);
  sums.addControl(name, lost);
  progress.print(`control (${name}): lost ${lost}${lost > 0 ? ", as it must be" : ": NOT CAUGHT"}`);
  rmSync(folder, { recursive: true, force: true });
}

async function run(name: string, round: Omit<RoundOptions, "onProgress" | "perSecond">): Promise<Round> {
  try {
    return await runRound({
      ...round,
      perSecond: options.perSecond,
      onProgress(watched) {
        phase = `${name}: ${watched.phase}`;
        workload = watched.workload;
        injected = watched.injected;
      },
    });
  } finally {
    workload = undefined;
    injected = [];
  }
}

/** Says what there is to say, and whether all is well. */
function report(): boolean {
  progress.stop();
  const tookMs = performance.now() - began;
  const figures: RunSummary = { command: `npm run faults -- ${argumentsWithSeed()}`, tookMs, ...sums.summary() };
  console.log(`\n${formatReport(figures)}\n`);
  const keep = (name: string, what: string, content: string) => {
    writeFileSync(join(dir, name), content);
    console.log(`${what}: ${relative(".", join(dir, name))}`);
  };
  if (lastPicture !== undefined) {
    keep("timeline.svg", "Picture of the last round", lastPicture);
  }
  keep("figures.json", "Figures", `${JSON.stringify(figures, undefined, 2)}\n`);
  return hasPassed(figures);
}

function argumentsWithSeed(): string {
  const given = process.argv.slice(2);
  const hasSeed = given.some((argument) => argument.startsWith("--seed"));
  return [...given, ...(hasSeed ? [] : ["--seed", String(options.seed)])].join(" ");
}

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`\n${error instanceof Error ? error.message : error}\n\n`);
    process.exit(2);
  }
}
