/**
 * The fault suite: two services and the servers around them as real processes, a workload, and faults by a seed; when the dust has
 * settled, checkers look whether anything was lost, doubled, made up or turned around. What it finds, and the seed that finds it again,
 * stand at the end.
 *
 *     npm run faults -- --minutes 3 --seed 7
 *     npm run faults -- --rounds 1 --seed 9 --no-recovery --no-controls   # the third round of the run above, once more
 */
import { randomInt } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CONTROLS, type Control } from "./control-rounds.ts";
import { countFindings, formatCounts, totalOf } from "./findings.ts";
import { kindOf } from "./kinds.ts";
import { drawPicture } from "./picture.ts";
import { makePlan, nameOf } from "./plan.ts";
import { type Now, showProgress } from "./progress.ts";
import { judgeRecovery, measureRecovery, type Recovery } from "./recovery.ts";
import { addChecks, type Figures, formatReport, isGood } from "./report.ts";
import { planned, type Round, type RoundOptions, runRound } from "./round.ts";
import type { Strike } from "./strike.ts";
import type { CheckResult } from "./types.ts";
import type { Workload } from "./workload/index.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string" },
    rounds: { type: "string" },
    "seconds-per-round": { type: "string", default: "45" },
    "per-second": { type: "string", default: "300" },
    recovery: { type: "boolean", default: true },
    controls: { type: "boolean", default: true },
    dir: { type: "string", default: ".data/faults" },
  },
  allowNegative: true,
});

/** Seeds are 32-bit: as many as fit into one number of the random streams. */
const SEEDS = 2 ** 32;
/** What the parts of a run take besides their load, about, in milliseconds: boot, last calls, drain, checks. */
const AROUND_MS = 20_000;
const RECOVERY_MS = 35_000 + AROUND_MS;
const CONTROL_LOAD_MS = 14_000;
const CONTROL_MS = CONTROL_LOAD_MS + AROUND_MS;
/** How long everything may take to be done after the load. */
const DRAIN_MS = 60_000;
/** A control never ends what it lost. */
const CONTROL_DRAIN_MS = 6_000;

const seed = values.seed === undefined ? randomInt(SEEDS) : Number(values.seed);
const [minutes, perSecond] = [Number(values.minutes), Number(values["per-second"])];
const roundMs = Number(values["seconds-per-round"]) * 1_000;
const dir = resolve(values.dir, String(seed));

// The servers' and the services' settings are the suite's own.
for (const name of Object.keys(process.env).filter((name) => name.startsWith("OMS_"))) {
  delete process.env[name];
}

const began = performance.now();
const controlsMs = values.controls ? CONTROLS.length * CONTROL_MS : 0;
const wantedRounds = values.rounds === undefined ? undefined : Number(values.rounds);
const totalMs =
  wantedRounds === undefined
    ? minutes * 60_000
    : (values.recovery ? RECOVERY_MS : 0) + wantedRounds * (roundMs + AROUND_MS) + controlsMs;

let phase = "";
let workload: Workload | undefined;
const done = {
  events: 0,
  calls: 0,
  recovered: 0,
  seeds: [] as number[],
  strikes: [] as Strike[],
  checks: [] as CheckResult[],
  controls: [] as Figures["controls"][number][],
};
/** Of the round under way, of which only a part has been told. */
let striking = 0;

const kills = (strikes: readonly Strike[]) =>
  strikes.filter(({ fault, missed }) => missed === undefined && /kill/.test(fault.kind)).length;
const now = (): Now => ({
  phase,
  events: done.events + (workload?.events() ?? 0),
  kills: kills(done.strikes) + striking,
  findings: totalOf(countFindings(done.checks)),
});

process.stderr.write(
  `Fault suite, seed ${seed}. To run it again: npm run faults -- --minutes ${minutes} --seed ${seed}\n`,
);
const progress = showProgress(totalMs, now);
let lastRound: Round | undefined;
let recovery: readonly Recovery[] = [];

/** Runs it, adds what it came to, and says so; its folder stays when there is something in it to look at. */
async function run(
  name: string,
  options: Omit<RoundOptions, "watch" | "dir" | "perSecond" | "drainMs">,
): Promise<Round> {
  const folder = join(dir, name.replaceAll(/\W+/g, "-"));
  const round = await runRound({
    dir: folder,
    perSecond,
    drainMs: DRAIN_MS,
    ...options,
    async under(world) {
      await options.under({
        ...world,
        onStrike(strike) {
          striking += kills([strike]);
          world.onStrike(strike);
        },
      });
    },
    watch(watched) {
      phase = `${name}: ${watched.phase}`;
      workload = watched.workload;
    },
  });
  add(round);
  const counts = countFindings(round.results);
  progress.say(
    `${name}, seed ${round.seed}: ${round.events.toLocaleString("en")} events, ${kills(round.strikes)} kills; ${formatCounts(counts)}, recovered ${round.recovered}`,
  );
  if (totalOf(counts) === 0) {
    rmSync(folder, { recursive: true, force: true });
  } else {
    writeFileSync(join(folder, "findings.json"), JSON.stringify(round.results, undefined, 2));
    progress.say(`  Its logs and data are kept in ${relative(".", folder)}`);
  }
  return round;
}

function add(round: Round): void {
  done.events += round.events;
  done.recovered += round.recovered;
  done.calls += round.timeline.seconds().reduce((sum, { ok, failed }) => sum + ok + failed, 0);
  done.strikes.push(...round.strikes);
  done.checks = addChecks(done.checks, round.results);
  workload = undefined;
  striking = 0;
}

/** Built the wrong way: its losses are none of the service's. */
async function runControl({ name, main, plan }: Control): Promise<void> {
  const folder = join(dir, "control");
  const round = await runRound({
    seed,
    dir: folder,
    perSecond,
    main,
    drainMs: CONTROL_DRAIN_MS,
    under: planned(plan(seed, CONTROL_LOAD_MS), CONTROL_LOAD_MS),
    watch(watched) {
      phase = `control (${name}): ${watched.phase}`;
    },
  });
  const { lost } = countFindings(round.results);
  done.controls.push({ name, lost });
  progress.say(`control (${name}): lost ${lost}${lost > 0 ? ", as it must be" : "; IT WAS NOT CAUGHT"}`);
  rmSync(folder, { recursive: true, force: true });
}

function draw(round: Round): string {
  const { began } = round.timeline;
  const seconds = (at: number) => (at - began) / 1_000;
  const file = join(dir, "timeline.svg");
  writeFileSync(
    file,
    drawPicture({
      title: `Fault suite, a round with seed ${round.seed}`,
      subtitle: `${round.events.toLocaleString("en")} events, ${kills(round.strikes)} kills; ${formatCounts(countFindings(round.results))}, recovered ${round.recovered.toLocaleString("en")}`,
      seconds: round.timeline.seconds(),
      marks: round.strikes
        .filter(({ missed }) => missed === undefined)
        .map(({ fault, from, until }) => ({
          target: nameOf(fault.target),
          kind: fault.kind,
          family: kindOf(fault.kind).family,
          from: seconds(from),
          until: seconds(until),
        })),
      loadEnded: seconds(round.loadEnded),
    }),
  );
  return file;
}

function faultsByKind(strikes: readonly Strike[]): Figures["faults"] {
  const counts: Record<string, { hit: number; missed: number }> = {};
  for (const { fault, missed } of strikes) {
    counts[fault.kind] ??= { hit: 0, missed: 0 };
    (counts[fault.kind] as { hit: number; missed: number })[missed === undefined ? "hit" : "missed"] += 1;
  }
  return counts;
}

mkdirSync(dir, { recursive: true });
if (values.recovery) {
  await run("recovery", {
    seed,
    async under(world) {
      recovery = await measureRecovery(world);
      done.checks = addChecks(done.checks, [judgeRecovery(recovery)]);
    },
  });
}
const isTime = (round: number) =>
  wantedRounds === undefined
    ? round === 0 || performance.now() - began + roundMs + AROUND_MS + controlsMs <= totalMs
    : round < wantedRounds;
for (let round = 0; isTime(round); round += 1) {
  const itsSeed = (seed + round) % SEEDS;
  lastRound = await run(`round ${round + 1}`, { seed: itsSeed, under: planned(makePlan(itsSeed, roundMs), roundMs) });
  done.seeds.push(itsSeed);
}
if (values.controls) {
  for (const control of CONTROLS) {
    await runControl(control);
  }
}
progress.stop();

const figures: Figures = {
  command: `npm run faults -- ${process.argv.slice(2).join(" ")}`,
  seeds: done.seeds,
  tookMs: performance.now() - began,
  events: done.events,
  calls: done.calls,
  kills: kills(done.strikes),
  recovered: done.recovered,
  faults: faultsByKind(done.strikes),
  checks: done.checks,
  recovery,
  controls: done.controls,
};
writeFileSync(join(dir, "figures.json"), `${JSON.stringify(figures, undefined, 2)}\n`);
console.log(`\n${formatReport(figures)}\n`);
if (lastRound !== undefined) {
  console.log(`Picture: ${relative(".", draw(lastRound))}`);
}
console.log(`Figures: ${relative(".", join(dir, "figures.json"))}`);
process.exit(isGood(figures) ? 0 : 1);
