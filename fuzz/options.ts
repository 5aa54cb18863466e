import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";

/** A seed has 32 bits. */
const SEEDS = 2 ** 32;

/** What the fuzzer was asked for. */
export interface Options {
  readonly seed: number;
  readonly requests: number;
  /** Ends after so many minutes, whatever is left to send. */
  readonly minutes: number;
  /** Sends that one request alone. */
  readonly only: number | undefined;
}

/** @throws Error that says which option is wrong, and what would be right */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      requests: { type: "string", default: "100000" },
      minutes: { type: "string", default: "60" },
      only: { type: "string" },
    },
  });
  const wholeNumber = (name: keyof typeof values, from: number, to: number): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < from || value > to) {
      throw new Error(`--${name} must be a whole number from ${from} to ${to}, was ${JSON.stringify(values[name])}`);
    }
    return value;
  };
  return {
    seed: values.seed === undefined ? randomInt(SEEDS) : wholeNumber("seed", 0, SEEDS - 1),
    requests: wholeNumber("requests", 1, 1_000_000_000),
    minutes: wholeNumber("minutes", 1, 10_000),
    only: values.only === undefined ? undefined : wholeNumber("only", 0, 1_000_000_000),
  };
}
