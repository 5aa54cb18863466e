import type { FuzzEnvironment } from "./environment.ts";

/** What the service's process used at a moment, in MB. */
export interface MemorySample {
  /** The share of the run that was over. */
  readonly done: number;
  readonly heap: number;
  readonly resident: number;
}

/** What is compared: a time after the warm-up, and the run's end. */
const EARLY = [0.2, 0.5] as const;
const LATE = [0.8, 1] as const;

/** The heap may be that much greater at the end: between two collections it goes up and down. */
const GROWTH = 1.25;
const SLACK_MB = 16;

/** The same of what is resident, which Node gives back late. */
const RESIDENT_GROWTH = 1.3;
const RESIDENT_SLACK_MB = 64;

const MB = 1024 * 1024;
const SAMPLE_MS = 1_000;

export interface MemoryWatch {
  stop(): readonly MemorySample[];
}

/** Looks at the service's memory once a second. */
export function watchMemory({ metrics }: FuzzEnvironment, done: () => number): MemoryWatch {
  const samples: MemorySample[] = [];
  const timer = setInterval(() => {
    metrics().then(
      (now) =>
        samples.push({
          done: done(),
          heap: now.sum("oms_nodejs_heap_size_used_bytes") / MB,
          resident: now.sum("oms_process_resident_memory_bytes") / MB,
        }),
      // That it is gone is told elsewhere.
      () => {},
    );
  }, SAMPLE_MS);
  return {
    stop() {
      clearInterval(timer);
      return samples;
    },
  };
}

/** The least that was in use early and late; undefined for a run that was too short to print. */
export function compareMemory(samples: readonly MemorySample[]) {
  const least = ([from, to]: readonly [number, number], of: "heap" | "resident") => {
    const values = samples.filter(({ done }) => done >= from && done <= to).map((sample) => sample[of]);
    return values.length < 3 ? undefined : Math.round(Math.min(...values));
  };
  const [early, late] = [least(EARLY, "heap"), least(LATE, "heap")];
  const [earlyResident, lateResident] = [least(EARLY, "resident"), least(LATE, "resident")];
  if (early === undefined || late === undefined || earlyResident === undefined || lateResident === undefined) {
    return undefined;
  }
  const isFlat =
    late <= early * GROWTH + SLACK_MB && lateResident <= earlyResident * RESIDENT_GROWTH + RESIDENT_SLACK_MB;
  return { isFlat, text: `heap ${early} → ${late} MB, resident ${earlyResident} → ${lateResident} MB` };
}
