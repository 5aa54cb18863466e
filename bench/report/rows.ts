import { formatNumber, formatSummary } from "./numbers.ts";
import { type GoalReport, isMet, type ScenarioReport } from "./report.ts";

/**
 * The table of a scenario, with a heading row: a figure a line, a subject a column. Behind the figure of every subject but the first stands how
 * many times that of the first is.
 */
export function rowsOf({ subjects, results }: ScenarioReport): readonly (readonly string[])[] {
  const figures = [...new Set(subjects.flatMap((subject) => Object.keys(results[subject] ?? {})))];
  const [first = ""] = subjects;
  const cell = (figure: string, subject: string) => {
    const [ours, theirs] = [results[first]?.[figure], results[subject]?.[figure]];
    if (theirs === undefined) {
      return "–";
    }
    // A ratio to what is next to nothing says nothing.
    const isNothing = formatNumber(theirs.median) === "0";
    const ratio = subject === first || ours === undefined || isNothing ? undefined : ours.median / theirs.median;
    return ratio === undefined ? formatSummary(theirs) : `${formatSummary(theirs)} ×${formatNumber(ratio)}`;
  };
  return [
    ["figure", ...subjects],
    ...figures.map((figure) => [figure, ...subjects.map((subject) => cell(figure, subject))]),
  ];
}

/** A line of the table of goals. */
export function goalRow(scenario: string, goal: GoalReport): readonly string[] {
  const { text, bound, figure, unit, actual } = goal;
  const met = isMet(goal);
  return [
    scenario,
    text,
    `${bound === "at least" ? "≥" : "≤"} ${formatNumber(figure)} ${unit}`,
    actual === undefined ? "not measured" : `${formatNumber(actual)} ${unit}`,
    met === undefined ? "–" : met ? "met" : "not met",
  ];
}

export const GOAL_HEADINGS = ["scenario", "goal", "wanted", "measured", "met"] as const;
