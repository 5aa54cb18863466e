import { parseArgs } from "node:util";
import { ENGINES, type Engine } from "../tools/testkit/backends.ts";
import { integerOption } from "../tools/testkit/program.ts";

export const USAGE = `Usage: npm run bench -- [options]

  --quick           short measurements, one round, no long scenarios
  --only <names>    scenarios, separated by commas (all)
  --list            list the scenarios
  --rounds <n>      number of rounds (3)
  --seconds <n>     measured time of each level (8)
  --orders <n>      orders of the scenario growth (5000000)
  --engine <name>   database server: mariadb (default) or mysql, whose results are only printed
  --write-docs      write results and charts into docs/
  --from <file>     with --write-docs: a stored report instead of a measurement`;

export interface Options {
  /** Short measurements, one round, no long scenarios. */
  readonly quick: boolean;
  /** Names of scenarios; undefined for all. */
  readonly only: readonly string[] | undefined;
  readonly rounds: number;
  /** Measured time and warm-up of each level. */
  readonly seconds: number;
  readonly warmup: number;
  /** Number of orders of the scenario growth. */
  readonly orders: number;
  /** The database server. */
  readonly engine: Engine;
  /** Lists the scenarios and exits. */
  readonly list: boolean;
  /** Writes results and charts into docs/. */
  readonly writeDocs: boolean;
  /** A stored report to write into docs/ instead of measuring. */
  readonly from: string | undefined;
}

const FULL = { rounds: 3, seconds: 8, warmup: 3, orders: 5_000_000 };
const QUICK = { rounds: 1, seconds: 2, warmup: 1, orders: 500_000 };

/** @throws Error naming the option that is wrong and the values it accepts */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      orders: { type: "string" },
      engine: { type: "string", default: "mariadb" },
      list: { type: "boolean", default: false },
      "write-docs": { type: "boolean", default: false },
      from: { type: "string" },
    },
  });
  if (values.from !== undefined && !values["write-docs"]) {
    throw new Error("--from requires --write-docs");
  }
  const engine = ENGINES.find((name) => name === values.engine);
  if (engine === undefined) {
    throw new Error(`--engine ${values.engine}: expected ${ENGINES.join(" or ")}`);
  }
  if (engine !== "mariadb" && values["write-docs"]) {
    throw new Error("--write-docs requires --engine mariadb");
  }
  const defaults = values.quick ? QUICK : FULL;
  return {
    quick: values.quick,
    only: values.only?.split(",").map((name) => name.trim()),
    rounds: integerOption("rounds", values.rounds, 1, 100) ?? defaults.rounds,
    seconds: integerOption("seconds", values.seconds, 1, 600) ?? defaults.seconds,
    warmup: defaults.warmup,
    orders: integerOption("orders", values.orders, 100_000, 20_000_000) ?? defaults.orders,
    engine,
    list: values.list,
    writeDocs: values["write-docs"],
    from: values.from,
  };
}
