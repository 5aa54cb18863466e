import type { Environment } from "./environment.ts";
import type { Results, Sample } from "./measurements.ts";

export type { Results, Sample } from "./measurements.ts";

/** A figure that is aimed at: what it says, and how it is got from the medians. */
export interface Goal {
  /** For example "256 callers against the no-op call". */
  readonly text: string;
  readonly bound: "at least" | "at most";
  readonly figure: number;
  /** For example "×", "ms", "MB". */
  readonly unit: string;
  /** Undefined where this run did not measure it. */
  readonly actual: (results: Results) => number | undefined;
}

export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  /** The heading of its table. */
  readonly title: string;
  /** One line: what is measured, and of what the subjects consist. */
  readonly description: string;
  /** Measured in turn in each round, for example ["service", "old design", "no-op"]. */
  readonly subjects: readonly string[];
  /** Left out of `--quick`. */
  readonly long: boolean;
  /** Long ones are measured once, all others in every round. */
  readonly rounds: "all" | "once";
  /** Measures one subject once. Starts what it needs and ends it again: nothing else runs meanwhile but the shared servers. */
  measure(subject: string, environment: Environment): Promise<Sample>;
  readonly goals: readonly Goal[];
  /** Which figures the chart shows, as bars by subject; none without it. */
  readonly chart?: { readonly title: string; readonly unit: string; readonly figures: readonly string[] };
}
