import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "./report.ts";

const DIR = join(import.meta.dirname, "..", "results");

/**
 * Keeps the results of a day in one file. A scenario that was measured before on that day is replaced, the others stay: the long ones can
 * have a run of their own.
 *
 * @param order names of scenarios, as they are to be told
 * @returns the file, and all that it holds
 */
export function saveReport(
  report: Report,
  quick: boolean,
  order: readonly string[],
): { readonly file: string; readonly all: Report } {
  const day = new Date().toISOString().slice(0, 10);
  const file = join(DIR, `${day}${quick ? "-quick" : ""}.json`);
  const isNew = ({ name }: { readonly name: string }) => report.scenarios.some((scenario) => scenario.name === name);
  const before = readReport(file)?.scenarios.filter((scenario) => !isNew(scenario)) ?? [];
  const scenarios = [...before, ...report.scenarios].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const all = { machine: report.machine, scenarios };
  mkdirSync(DIR, { recursive: true });
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
  return { file, all };
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    // The first run of the day.
    return undefined;
  }
}
