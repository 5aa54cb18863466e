import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

/** A seed has 32 bits. */
export const SEEDS = 2 ** 32;

/** What the suite was asked for. */
export interface Options {
  readonly minutes: number;
  /** Of the run; given out at random where none was asked for. */
  readonly seed: number;
  /** Undefined: as many as fit into the minutes. */
  readonly rounds: number | undefined;
  readonly secondsPerRound: number;
  /** Calls that begin each second. */
  readonly perSecond: number;
  readonly recovery: boolean;
  readonly controls: boolean;
  /** Where data, logs, pictures and figures go. */
  readonly dir: string;
}

/** @throws Error that says which option is wrong, and what would be right */
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
  const wholeNumber = (name: keyof typeof values, from: number, to: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < from || value > to) {
      throw new Error(`--${name} must be a whole number from ${from} to ${to}, was ${JSON.stringify(values[name])}`);
    }
    return value;
  };
  return {
    minutes: wholeNumber("minutes", 1, 10_000),
    seed: values.seed === undefined ? randomInt(SEEDS) : wholeNumber("seed", 0, SEEDS - 1),
    rounds: values.rounds === undefined ? undefined : wholeNumber("rounds", 0, 100_000),
    secondsPerRound: wholeNumber("seconds-per-round", 5, 3_600),
    perSecond: wholeNumber("per-second", 1, 10_000),
    recovery: values.recovery,
    controls: values.controls,
    dir: values.dir,
  };
}
