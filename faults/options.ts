import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { integerOption, SEEDS } from "../tools/testkit/program.ts";

export const USAGE = `Usage: npm run faults -- [options]

  --minutes <n>             approximate duration (3)
  --seed <n>                seed of the run (random, printed)
  --rounds <n>              number of rounds (as many as fit)
  --seconds-per-round <n>   load and faults of a round (45)
  --per-second <n>          calls per second (300)
  --no-recovery             skip the recovery measurement
  --no-controls             skip the negative controls
  --dir <folder>            data, logs and reports (.data/faults)`;

export interface Options {
  readonly minutes: number;
  /** Seed of the run; random by default. */
  readonly seed: number;
  /** Undefined: as many as fit into `minutes`. */
  readonly rounds: number | undefined;
  readonly secondsPerRound: number;
  /** Rate of the workload, in calls per second. */
  readonly perSecond: number;
  readonly recovery: boolean;
  readonly controls: boolean;
  /** Folder for data, logs and reports. */
  readonly dir: string;
}

/** @throws Error naming the option that is wrong and the values it accepts */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
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
  return {
    minutes: integerOption("minutes", values.minutes, 1, 10_000) as number,
    seed: integerOption("seed", values.seed, 0, SEEDS - 1) ?? randomInt(SEEDS),
    rounds: integerOption("rounds", values.rounds, 0, 100_000),
    secondsPerRound: integerOption("seconds-per-round", values["seconds-per-round"], 5, 3_600) as number,
    perSecond: integerOption("per-second", values["per-second"], 1, 10_000) as number,
    recovery: values.recovery,
    controls: values.controls,
    dir: values.dir,
  };
}

export interface Schedule {
  readonly rounds: number;
  /** Estimated duration of the run, in milliseconds. */
  readonly totalMs: number;
}

const CONTROLS = 2;

/** Duration of the load of a control, in milliseconds. */
export const CONTROL_LOAD_MS = 14_000;

/** Estimated time for start, last calls, drain and checks of a round, in milliseconds. */
const OVERHEAD_MS = 20_000;
const RECOVERY_LOAD_MS = 34_000;

/** As many rounds as fit into the time, at least one. */
export function planSchedule({
  minutes,
  rounds,
  secondsPerRound,
  recovery,
  controls,
}: Pick<Options, "minutes" | "rounds" | "secondsPerRound" | "recovery" | "controls">): Schedule {
  const othersMs =
    (recovery ? RECOVERY_LOAD_MS + OVERHEAD_MS : 0) + (controls ? CONTROLS * (CONTROL_LOAD_MS + OVERHEAD_MS) : 0);
  const roundMs = secondsPerRound * 1_000 + OVERHEAD_MS;
  const count = rounds ?? Math.max(1, Math.floor((minutes * 60_000 - othersMs) / roundMs));
  return { rounds: count, totalMs: othersMs + count * roundMs };
}
