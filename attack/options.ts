import { parseArgs } from "node:util";
import { integerOption } from "../tools/testkit/program.ts";

export const USAGE = `Usage: npm run attack -- [options]

  --only <text>     attacks whose name contains the text, or several texts separated by commas
  --seconds <n>     duration of each attack (4)
  --list            list the attacks
  --verbose         print what the attackers observed
  --write-docs      write the results into docs/security.md; others keep their rows`;

export interface Options {
  /** Parts of names; undefined for all attacks. */
  readonly only: readonly string[] | undefined;
  readonly seconds: number;
  readonly list: boolean;
  readonly verbose: boolean;
  readonly writeDocs: boolean;
}

/** @throws Error naming the option that is wrong and the values it accepts */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      seconds: { type: "string" },
      list: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
      "write-docs": { type: "boolean", default: false },
    },
  });
  return {
    only: values.only?.split(",").map((text) => text.trim()),
    seconds: integerOption("seconds", values.seconds, 1, 30) ?? 4,
    list: values.list,
    verbose: values.verbose,
    writeDocs: values["write-docs"],
  };
}
