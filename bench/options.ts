import { parseArgs } from "node:util";

/** What the suite was asked for. */
export interface Options {
  /** Shorter measurements, one round, nothing that is long: to see whether all is well. */
  readonly quick: boolean;
  /** Names of scenarios; undefined: all. */
  readonly only: readonly string[] | undefined;
  readonly rounds: number;
  /** Of one measurement at one level, and before it. */
  readonly seconds: number;
  readonly warmup: number;
  /** How many orders there are in the end where growth is measured. */
  readonly orders: number;
  /** Says which scenarios there are, and ends. */
  readonly list: boolean;
  /** Writes charts and results into docs/. */
  readonly writeDocs: boolean;
}

const FULL = { rounds: 3, seconds: 8, warmup: 3, orders: 5_000_000 };
const QUICK = { rounds: 1, seconds: 2, warmup: 1, orders: 500_000 };

/** @throws Error that says which option is wrong, and what would be right */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      orders: { type: "string" },
      list: { type: "boolean", default: false },
      "write-docs": { type: "boolean", default: false },
    },
  });
  const byDefault = values.quick ? QUICK : FULL;
  return {
    quick: values.quick,
    only: values.only?.split(",").map((name) => name.trim()),
    rounds: wholeNumber("rounds", values.rounds, 1, 100) ?? byDefault.rounds,
    seconds: wholeNumber("seconds", values.seconds, 1, 600) ?? byDefault.seconds,
    warmup: byDefault.warmup,
    orders: wholeNumber("orders", values.orders, 100_000, 20_000_000) ?? byDefault.orders,
    list: values.list,
    writeDocs: values["write-docs"],
  };
}

function wholeNumber(name: string, text: string | undefined, from: number, to: number): number | undefined {
  const value = Number(text);
  if (text !== undefined && !(Number.isInteger(value) && value >= from && value <= to)) {
    throw new Error(`--${name} must be a whole number from ${from} to ${to}, was ${JSON.stringify(text)}`);
  }
  return text === undefined ? undefined : value;
}
