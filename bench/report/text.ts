import { formatTable } from "../../tools/demo/format.ts";
import { formatMachine } from "../machine-description.ts";
import type { Report, ScenarioReport } from "./report.ts";
import { GOAL_HEADINGS, goalRow, rowsOf } from "./rows.ts";

/** More than so much of the machine taken by others spoils figures. */
const OTHERS = 0.1;

/** For the terminal. */
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
    ...notesOf(report),
  ].join("\n");
}

/** What is to be known of a scenario's figures, when there is anything. */
export function notesOf({ otherLoad }: ScenarioReport): string[] {
  return otherLoad > OTHERS
    ? [`  Others took up to ${Math.round(otherLoad * 100)} % of the machine during a measurement: measure again.`]
    : [];
}
