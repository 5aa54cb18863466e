import type { MachineDescription } from "../../tools/testkit/machine.ts";
import type { Options } from "../options.ts";
import type { ScenarioRun } from "../run.ts";
import type { Goal, Scenario } from "../scenario.ts";
import { type Results, type Samples, summarize } from "../statistics.ts";

export interface GoalReport extends Omit<Goal, "actual"> {
  /** Undefined when it was not measured. */
  readonly actual: number | undefined;
}

/** The stored results of one scenario. */
export interface ScenarioReport extends Pick<Scenario, "name" | "title" | "description" | "subjects" | "chart"> {
  /** Time of the measurement: scenarios of one report may come from several runs. */
  readonly at: string;
  readonly quick: boolean;
  readonly rounds: number;
  /** Measured time of each level. */
  readonly seconds: number;
  /** Maximum share of all cores that other processes used during a measurement. */
  readonly otherLoad: number;
  readonly goals: readonly GoalReport[];
  readonly results: Results;
  readonly samples: Samples;
  readonly failures: readonly string[];
}

/** Results of one or several runs on one machine on one day. */
export interface Report {
  readonly machine: MachineDescription;
  readonly scenarios: readonly ScenarioReport[];
}

/** How and when samples were measured. */
type Measured = Pick<ScenarioReport, "at" | "quick" | "rounds" | "seconds" | "otherLoad" | "samples" | "failures">;

export function createScenarioReport(scenario: Scenario, measured: Measured): ScenarioReport {
  const { name, title, description, subjects, chart, goals } = scenario;
  const { at, quick, rounds, seconds, otherLoad, samples, failures } = measured;
  const results = summarize(samples);
  return {
    name,
    title,
    description,
    subjects,
    ...(chart && { chart }),
    at,
    quick,
    rounds,
    seconds,
    otherLoad,
    goals: goals.map(({ actual, ...goal }) => ({ ...goal, actual: actual(results) })),
    results,
    samples,
    failures,
  };
}

export function toScenarioReport({ scenario, ...run }: ScenarioRun, options: Options): ScenarioReport {
  return createScenarioReport(scenario, {
    ...run,
    at: new Date().toISOString(),
    quick: options.quick,
    rounds: scenario.rounds === "once" ? 1 : options.rounds,
    seconds: options.seconds,
  });
}

/** Undefined when it was not measured. */
export function isMet({ actual, bound, target }: GoalReport): boolean | undefined {
  return actual === undefined ? undefined : bound === "at least" ? actual >= target : actual <= target;
}
