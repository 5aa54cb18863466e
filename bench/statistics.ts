import type { Results, Sample, Summary } from "./measurements.ts";

/** What the rounds measured, by subject. */
export type Samples = Readonly<Record<string, readonly Sample[]>>;

/** Median and spread of each figure of each subject. */
export function summarize(samples: Samples): Results {
  return Object.fromEntries(Object.entries(samples).map(([subject, rounds]) => [subject, figuresOf(rounds)]));
}

function figuresOf(rounds: readonly Sample[]): Readonly<Record<string, Summary>> {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries(
    [...names].map((name) => [name, figureOf(rounds.flatMap((round) => (name in round ? [round[name] ?? 0] : [])))]),
  );
}

function figureOf(values: readonly number[]): Summary {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [below, above] = [sorted[Math.ceil(middle) - 1] ?? 0, sorted[Math.floor(middle)] ?? 0];
  return { median: (below + above) / 2, lowest: sorted[0] ?? 0, highest: sorted.at(-1) ?? 0 };
}
