import type { Environment } from "./environment.ts";
import type { Results, Sample } from "./statistics.ts";

export type { Results, Sample } from "./statistics.ts";

/** A goal, computed from the medians. */
export interface Goal {
  /** For example "256 callers against the no-op call". */
  readonly text: string;
  readonly bound: "at least" | "at most";
  readonly target: number;
  /** For example "×", "ms", "MB". */
  readonly unit: string;
  /** Undefined when it was not measured. */
  readonly actual: (results: Results) => number | undefined;
}

export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  /** Heading of its table. */
  readonly title: string;
  /** What is measured, and what the subjects are. */
  readonly description: string;
  /**
   * What is compared, measured in turn in each round, for example ["service", "legacy design",
   * "no-op"].
   */
  readonly subjects: readonly string[];
  /** Not part of `--quick`. */
  readonly long: boolean;
  /** Long scenarios are measured once, all others in every round. */
  readonly rounds: "all" | "once";
  /** Measures one subject once. Starts and stops everything but the shared backends. */
  measure(subject: string, environment: Environment): Promise<Sample>;
  readonly goals: readonly Goal[];
  /** Measurements in the chart, as bars by subject; no chart without it. */
  readonly chart?: { readonly title: string; readonly unit: string; readonly measurements: readonly string[] };
}
