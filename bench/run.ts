import type { BackendProcesses } from "../tools/testkit/backends.ts";
import { createEnvironment } from "./environment.ts";
import { watchOtherLoad } from "./machine.ts";
import type { Sample } from "./measurements.ts";
import type { Options } from "./options.ts";
import type { Progress } from "./progress.ts";
import type { Scenario } from "./scenario.ts";
import type { Samples } from "./statistics.ts";

/** What came of one scenario. */
export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly samples: Samples;
  /** What kept a measurement from its end, for people. */
  readonly failures: readonly string[];
  /** The largest share of all cores that others took during a measurement: its figures mean little when that is much. */
  readonly otherLoad: number;
}

interface Turn {
  readonly scenario: Scenario;
  readonly subject: string;
  readonly round: number;
}

/** All measurements: in each round each scenario, of it each subject, so that what changes on the machine meets all of them alike. */
export function planMeasurements(scenarios: readonly Scenario[], rounds: number): readonly Turn[] {
  return Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) =>
    scenarios
      .filter((scenario) => scenario.rounds === "all" || round === 1)
      .flatMap((scenario) => scenario.subjects.map((subject) => ({ scenario, subject, round }))),
  );
}

/** Makes all measurements in turn; one that fails is told, and the others go on. */
export async function runMeasurements(
  turns: readonly Turn[],
  options: Options,
  processes: BackendProcesses,
  progress: Progress,
): Promise<readonly ScenarioRun[]> {
  const { quick, seconds, warmup, orders } = options;
  const { environment, endAll } = createEnvironment({
    processes,
    quick,
    seconds,
    warmup,
    orders,
    print: progress.print,
  });
  const measured = new Map<Scenario, { samples: Record<string, Sample[]>; failures: string[]; otherLoad: number }>();
  for (const { scenario, subject, round } of turns) {
    const of = measured.get(scenario) ?? { samples: {}, failures: [], otherLoad: 0 };
    measured.set(scenario, of);
    progress.begin(`${scenario.name}: ${subject}${options.rounds > 1 ? `, round ${round}` : ""}`);
    const others = watchOtherLoad();
    try {
      const sample = await scenario.measure(subject, environment);
      of.samples[subject] = [...(of.samples[subject] ?? []), sample];
    } catch (error) {
      const failure = `${subject}, round ${round}: ${error instanceof Error ? error.message : String(error)}`;
      of.failures.push(failure);
      progress.print(`${scenario.name}: ${failure}`);
      await endAll();
    }
    of.otherLoad = Math.max(of.otherLoad, others());
    progress.done();
  }
  return [...measured].map(([scenario, of]) => ({ scenario, ...of }));
}
