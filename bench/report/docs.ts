import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatMachine } from "../../tools/testkit/machine.ts";
import { drawChart } from "./chart.ts";
import type { Report, ScenarioReport } from "./report.ts";
import { GOAL_HEADINGS, goalRow, notesOf, rowsOf } from "./tables.ts";

const DOCS = join(import.meta.dirname, "..", "..", "docs");
const PAGE = join(DOCS, "performance.md");
const [BEGIN, END] = ["<!-- results: written by npm run bench -- --write-docs -->", "<!-- /results -->"];

/** Replaces the results in docs/performance.md, and writes a chart per scenario that has one. */
export function writeDocs(report: Report): void {
  const text = readFileSync(PAGE, "utf8");
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) {
    throw new Error(`docs/performance.md does not contain ${BEGIN} … ${END}`);
  }
  writeFileSync(PAGE, `${text.slice(0, from + BEGIN.length)}\n\n${resultsOf(report)}\n\n${text.slice(to)}`);
}

function resultsOf({ machine, scenarios }: Report): string {
  const goals = scenarios.flatMap(({ title, goals }) => goals.map((goal) => goalRow(title, goal)));
  const days = [...new Set(scenarios.map(({ at }) => at.slice(0, 10)))];
  return [
    wrap(`Measured on ${days.join(", ")}: ${formatMachine(machine)}.`),
    "### Goals",
    table([GOAL_HEADINGS, ...goals]),
    ...scenarios.map(section),
  ].join("\n\n");
}

function section(report: ScenarioReport): string {
  const { name, title, description, at, rounds, seconds, quick, failures } = report;
  const file = `performance-${name}.svg`;
  const chart = drawChart(report);
  if (chart !== undefined) {
    writeFileSync(join(DOCS, file), chart);
  }
  const times = rounds === 1 ? "one round" : `${rounds} rounds`;
  return [
    `### ${title}`,
    wrap(`${description} Measured on ${at.slice(0, 10)}, ${times}, ${seconds} s per level${quick ? " (quick)" : ""}.`),
    ...(chart === undefined ? [] : [`![${title}](${file})`]),
    table(rowsOf(report)),
    ...failures.map((failure) => wrap(`Not measured: ${failure}.`)),
    ...notesOf(report).map(wrap),
  ].join("\n\n");
}

/** Wraps at 100 columns. */
function wrap(text: string): string {
  return text.replace(/(?![^\n]{1,100}$)([^\n]{1,100})\s/g, "$1\n");
}

function table([headings = [], ...rows]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(headings), line(headings.map((_, column) => (column === 0 ? "---" : "---:"))), ...rows.map(line)].join(
    "\n",
  );
}
