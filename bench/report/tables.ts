import { formatTable } from "../../tools/demo/format.ts";
import { formatMachine } from "../../tools/testkit/machine.ts";
import type { Summary } from "../statistics.ts";
import { type GoalReport, isMet, type Report, type ScenarioReport } from "./report.ts";

/** Share of the machine used by other processes above which a warning is printed. */
const MAX_OTHER_LOAD = 0.1;

/** With two or three significant digits: 12,345, 45.6, 1.23. */
export function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** The median, with the range when there are several rounds. */
function formatSummary({ median, lowest, highest }: Summary): string {
  const [low, high] = [formatNumber(lowest), formatNumber(highest)];
  return low === high ? formatNumber(median) : `${formatNumber(median)} (${low}–${high})`;
}

/**
 * Table of a scenario with a heading row: a row per measurement, a column per subject. Every
 * subject but the first has the ratio of the first subject's median to its own.
 */
export function rowsOf({ subjects, results }: ScenarioReport): readonly (readonly string[])[] {
  const names = [...new Set(subjects.flatMap((subject) => Object.keys(results[subject] ?? {})))];
  const [first = ""] = subjects;
  const cell = (name: string, subject: string) => {
    const [base, summary] = [results[first]?.[name], results[subject]?.[name]];
    if (summary === undefined) {
      return "–";
    }
    // A ratio to zero has no meaning.
    const isZero = formatNumber(summary.median) === "0";
    const ratio = subject === first || base === undefined || isZero ? undefined : base.median / summary.median;
    return ratio === undefined ? formatSummary(summary) : `${formatSummary(summary)} ×${formatNumber(ratio)}`;
  };
  return [
    ["measurement", ...subjects],
    ...names.map((name) => [name, ...subjects.map((subject) => cell(name, subject))]),
  ];
}

export const GOAL_HEADINGS = ["scenario", "goal", "target", "measured", "met"] as const;

export function goalRow(scenario: string, goal: GoalReport): readonly string[] {
  const { text, bound, target, unit, actual } = goal;
  const met = isMet(goal);
  return [
    scenario,
    text,
    `${bound === "at least" ? "≥" : "≤"} ${formatNumber(target)} ${unit}`,
    actual === undefined ? "not measured" : `${formatNumber(actual)} ${unit}`,
    met === undefined ? "–" : met ? "met" : "not met",
  ];
}

/** Warnings about the results of a scenario. */
export function notesOf({ otherLoad }: ScenarioReport): string[] {
  return otherLoad > MAX_OTHER_LOAD
    ? [
        `Other processes used up to ${Math.round(otherLoad * 100)} % of the machine during a measurement: measure again.`,
      ]
    : [];
}

/** Report for the terminal. */
export function formatReport({ machine, scenarios }: Report): string {
  const goals = scenarios.flatMap(({ name, goals }) => goals.map((goal) => goalRow(name, goal)));
  return [
    formatMachine(machine),
    ...scenarios.map(formatScenario),
    ...(goals.length === 0 ? [] : [formatTable([GOAL_HEADINGS, ...goals])]),
  ].join("\n\n");
}

function formatScenario(report: ScenarioReport): string {
  const { title, failures } = report;
  return [
    title,
    formatTable(rowsOf(report)),
    ...failures.map((failure) => `  FAILED ${failure}`),
    ...notesOf(report).map((note) => `  ${note}`),
  ].join("\n");
}
