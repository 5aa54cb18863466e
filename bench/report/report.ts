import type { MachineDescription } from "../machine-description.ts";
import type { Results } from "../measurements.ts";
import type { Options } from "../options.ts";
import type { ScenarioRun } from "../run.ts";
import type { Goal, Scenario } from "../scenario.ts";
import { type Samples, summarize } from "../statistics.ts";

/** A figure that was aimed at, and what came of it. */
export interface GoalReport extends Omit<Goal, "actual"> {
  /** Undefined where it was not measured. */
  readonly actual: number | undefined;
}

/** What came of one scenario, as it is kept. */
export interface ScenarioReport extends Pick<Scenario, "name" | "title" | "description" | "subjects" | "chart"> {
  /** When it was measured, and how: scenarios of one file may come from several runs. */
  readonly at: string;
  readonly quick: boolean;
  readonly rounds: number;
  /** Of one measurement at one level. */
  readonly seconds: number;
  /** The largest share of all cores that others took during a measurement. */
  readonly otherLoad: number;
  readonly goals: readonly GoalReport[];
  readonly results: Results;
  readonly samples: Samples;
  readonly failures: readonly string[];
}

/** What came of a run, or of several on one machine on one day. */
export interface Report {
  readonly machine: MachineDescription;
  readonly scenarios: readonly ScenarioReport[];
}

export function toScenarioReport(
  { scenario, samples, failures, otherLoad }: ScenarioRun,
  options: Options,
): ScenarioReport {
  const { name, title, description, subjects, chart, goals, rounds } = scenario;
  const results = summarize(samples);
  return {
    name,
    title,
    description,
    subjects,
    ...(chart && { chart }),
    at: new Date().toISOString(),
    quick: options.quick,
    rounds: rounds === "once" ? 1 : options.rounds,
    seconds: options.seconds,
    otherLoad,
    goals: goals.map(({ actual, ...goal }) => ({ ...goal, actual: actual(results) })),
    results,
    samples,
    failures,
  };
}

/** Undefined where the goal's figure was not measured. */
export function isMet({ actual, bound, figure }: GoalReport): boolean | undefined {
  return actual === undefined ? undefined : bound === "at least" ? actual >= figure : actual <= figure;
}
