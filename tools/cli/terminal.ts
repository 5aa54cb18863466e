import { styleText } from "node:util";
import type { Screen } from "./table.ts";

/** The terminal's width in cells; where the output goes elsewhere, what COLUMNS says, else no bound. */
function widthOf(env: NodeJS.ProcessEnv): number {
  return process.stdout.columns ?? (Number(env.COLUMNS) || Number.POSITIVE_INFINITY);
}

/** Standard output: tables fit it, and have colours where it is a terminal and NO_COLOR does not forbid them. */
export const terminal: Screen = {
  get width() {
    return widthOf(process.env);
  },
  paint: (tone, text) => styleText(tone, text, { stream: process.stdout }),
};

/** What was asked for goes to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What is said besides goes to standard error, out of the way of scripts. */
export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}
