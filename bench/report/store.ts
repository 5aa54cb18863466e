import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SCENARIOS } from "../scenarios/index.ts";
import type { Sample, Samples } from "../statistics.ts";
import { createScenarioReport, type Report, type ScenarioReport } from "./report.ts";

const DIR = join(import.meta.dirname, "..", "results");

/**
 * Stores the results of a day in one file. A scenario measured again replaces its earlier results
 * of that day, so long scenarios can be measured in a run of their own.
 *
 * @returns the file and its complete contents
 */
export function saveReport(report: Report, quick: boolean): { readonly file: string; readonly all: Report } {
  const day = new Date().toISOString().slice(0, 10);
  const file = join(DIR, `${day}${quick ? "-quick" : ""}.json`);
  const isNew = ({ name }: { readonly name: string }) => report.scenarios.some((scenario) => scenario.name === name);
  const earlier = readIfPresent(file)?.scenarios.filter((scenario) => !isNew(scenario)) ?? [];
  const order = SCENARIOS.map(({ name }) => name);
  const scenarios = [...earlier, ...report.scenarios].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const all = { machine: report.machine, scenarios };
  mkdirSync(DIR, { recursive: true });
  writeFileSync(file, `${JSON.stringify(all, null, 2)}\n`);
  return { file, all };
}

function readIfPresent(file: string): Report | undefined {
  try {
    return readReport(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}

/**
 * Reads a stored report, including one with earlier key and measurement names. Titles and goals are
 * the current ones.
 */
export function readReport(file: string): Report {
  const { machine, scenarios } = JSON.parse(readFileSync(file, "utf8")) as Report;
  return { machine, scenarios: scenarios.map(toCurrent) };
}

/** Keys of earlier reports. */
interface EarlierKeys {
  readonly othersTook?: number;
  readonly sides?: readonly string[];
}

function toCurrent(stored: ScenarioReport & EarlierKeys): ScenarioReport {
  const scenario = SCENARIOS.find(({ name }) => name === stored.name);
  if (scenario === undefined) {
    throw new Error(`the report contains an unknown scenario: ${stored.name}`);
  }
  const subjects = (stored.subjects ?? stored.sides).map(rename);
  const otherLoad = stored.otherLoad ?? stored.othersTook;
  return createScenarioReport({ ...scenario, subjects }, { ...stored, otherLoad, samples: renameAll(stored.samples) });
}

/** Earlier names of subjects and measurements, as patterns. */
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^old design/, "legacy design"],
  [/^SQL(, no RPC| in groups, no RPC)$/, "group commit, no RPC"],
  [/^our generator$/, "generator"],
  [/neighbours µs/, "stub-systems µs"],
  [/^filled in s$/, "insert time, s"],
  [/^beside the heap, MB$/, "external memory, MB"],
  [/^MB a while later$/, "MB after drain"],
  [/^share of the promise$/, "share of predicted"],
  [/^carried changes/, "sustained changes"],
  [/^asked for, changes/, "offered changes"],
  [/^refused/, "rejected"],
  [/^goodput of the peak$/, "goodput / peak"],
  [/^end, s$/, "shutdown, s"],
  [/^changes told$/, "changes delivered"],
  [/^database reads for each watcher told$/, "database reads per delivery"],
  [/^reads for a change/, "reads per change"],
  [/^all begun after s$/, "all streams open after, s"],
  [/^order that all watch/, "order watched by all"],
];

function rename(name: string): string {
  return RENAMED.reduce((current, [pattern, replacement]) => current.replace(pattern, replacement), name);
}

function renameAll(samples: Samples): Samples {
  const renameSample = (sample: Sample): Sample =>
    Object.fromEntries(Object.entries(sample).map(([name, value]) => [rename(name), value]));
  return Object.fromEntries(
    Object.entries(samples).map(([subject, rounds]) => [rename(subject), rounds.map(renameSample)]),
  );
}
