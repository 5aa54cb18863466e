import type { Results } from "../../scenario.ts";

/** The median of a figure; undefined where it was not measured. */
export function medianOf(results: Results, subject: string, figure: string): number | undefined {
  return results[subject]?.[figure]?.median;
}

/** How many times a subject's figure is another subject's, by the medians; undefined where one is missing. */
export function ratioOf(results: Results, figure: string, subject: string, other: string): number | undefined {
  const [ours, theirs] = [medianOf(results, subject, figure), medianOf(results, other, figure)];
  return ours === undefined || theirs === undefined || theirs === 0 ? undefined : ours / theirs;
}

/** The value below or at which that share of the values is; 0 of none. Sorts them. */
export function percentile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? 0;
}
