import { type BackendProcesses, type Engine, startBackends } from "../tools/testkit/backends.ts";
import { watchOtherLoad } from "../tools/testkit/machine.ts";
import { createEnvironment } from "./environment.ts";
import type { Options } from "./options.ts";
import { type Progress, showProgress } from "./progress.ts";
import type { Scenario } from "./scenario.ts";
import type { Sample, Samples } from "./statistics.ts";

/** Measurements of one scenario. */
export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly samples: Samples;
  /** Errors of measurements that did not complete. */
  readonly failures: readonly string[];
  /** Maximum share of all cores that other processes used during a measurement. */
  readonly otherLoad: number;
}

interface Measurement {
  readonly scenario: Scenario;
  readonly subject: string;
  readonly round: number;
}

/** Exit code after SIGINT. */
const INTERRUPTED = 130;

/**
 * All measurements. The subjects alternate within each round, so that changes of the machine affect
 * all of them.
 */
export function planMeasurements(scenarios: readonly Scenario[], rounds: number): readonly Measurement[] {
  return Array.from({ length: rounds }, (_, index) => index + 1).flatMap((round) =>
    scenarios
      .filter((scenario) => scenario.rounds === "all" || round === 1)
      .flatMap((scenario) => scenario.subjects.map((subject) => ({ scenario, subject, round }))),
  );
}

/**
 * Makes all measurements one after the other. A failed measurement is reported; the others
 * continue.
 */
export async function runMeasurements(
  measurements: readonly Measurement[],
  options: Options,
): Promise<readonly ScenarioRun[]> {
  const { quick, seconds, warmup, orders, engine } = options;
  const measure = async (backends: BackendProcesses, progress: Progress): Promise<readonly ScenarioRun[]> => {
    const { environment, stopAll } = createEnvironment({
      backends,
      quick,
      seconds,
      warmup,
      orders,
      print: progress.print,
    });
    const runs = new Map<Scenario, { samples: Record<string, Sample[]>; failures: string[]; otherLoad: number }>();
    for (const { scenario, subject, round } of measurements) {
      const run = runs.get(scenario) ?? { samples: {}, failures: [], otherLoad: 0 };
      runs.set(scenario, run);
      progress.begin(`${scenario.name}: ${subject}${options.rounds > 1 ? `, round ${round}` : ""}`);
      const otherLoad = watchOtherLoad();
      try {
        const sample = await scenario.measure(subject, environment);
        run.samples[subject] = [...(run.samples[subject] ?? []), sample];
      } catch (error) {
        const failure = `${subject}, round ${round}: ${error instanceof Error ? error.message : String(error)}`;
        run.failures.push(failure);
        progress.print(`${scenario.name}: ${failure}`);
        await stopAll();
      }
      run.otherLoad = Math.max(run.otherLoad, otherLoad());
      progress.done();
    }
    return [...runs].map(([scenario, run]) => ({ scenario, ...run }));
  };
  return withBackends(measurements.length, measure, engine);
}

/** Runs `work` with backends and a progress bar; both end with it, also on SIGINT and SIGTERM. */
export async function withBackends<T>(
  measurements: number,
  work: (backends: BackendProcesses, progress: Progress) => Promise<T>,
  engine?: Engine,
): Promise<T> {
  const progress = showProgress(measurements);
  const backends = await startBackends(progress.print, engine);
  const onSignal = async () => {
    progress.stop();
    await backends.stop();
    process.exit(INTERRUPTED);
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  try {
    return await work(backends, progress);
  } finally {
    progress.stop();
    await backends.stop();
  }
}
