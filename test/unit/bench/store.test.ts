import { join } from "node:path";
import { expect, test } from "vitest";
import { readReport } from "../../../bench/report/store.ts";
import { rowsOf } from "../../../bench/report/tables.ts";

const EARLIER = join(import.meta.dirname, "../../../bench/results/2026-11-24.json");

test("reads a report with earlier names: every goal is computed, every subject has measurements", () => {
  const { scenarios } = readReport(EARLIER);
  expect(scenarios.flatMap(({ goals }) => goals).filter(({ actual }) => actual === undefined)).toEqual([]);
  for (const { subjects, results, chart } of scenarios) {
    expect(subjects.filter((subject) => results[subject] === undefined)).toEqual([]);
    const measured = new Set(subjects.flatMap((subject) => Object.keys(results[subject] ?? {})));
    expect(chart?.measurements.filter((name) => !measured.has(name)) ?? []).toEqual([]);
  }
});

test("renames subjects and measurements of earlier reports", () => {
  const { scenarios } = readReport(EARLIER);
  const tableOf = (name: string) => rowsOf(scenarios.find((scenario) => scenario.name === name) ?? never(name));
  expect(tableOf("update-status")[0]).toEqual([
    "measurement",
    "service",
    "legacy design",
    "legacy design, mail 50 ms",
    "textbook",
    "no-op",
    "group commit, no RPC",
  ]);
  expect(tableOf("overload").map(([name]) => name)).toContain("rejected p99 ms");
  expect(tableOf("generator")[0]).toEqual(["measurement", "generator", "h2load"]);
});

function never(name: string): never {
  throw new Error(`no scenario ${name}`);
}
