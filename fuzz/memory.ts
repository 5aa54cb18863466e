import type { FuzzEnvironment } from "./environment.ts";

/** Memory of the service's process at a moment, in MB. */
export interface MemorySample {
  /** Share of the run that was completed. */
  readonly done: number;
  readonly heap: number;
  readonly resident: number;
}

/** The compared periods, as shares of the run: after the warm-up and at the end. */
const EARLY = [0.2, 0.5] as const;
const LATE = [0.8, 1] as const;

/** Permitted growth of the heap, which varies between two collections. */
const GROWTH = 1.25;
const SLACK_MB = 16;

/** Permitted growth of resident memory, which Node releases late. */
const RESIDENT_GROWTH = 1.3;
const RESIDENT_SLACK_MB = 64;

const MB = 1024 * 1024;
const SAMPLE_MS = 1_000;

/** Samples the service's memory once per second until `stop`. */
export function watchMemory({ metrics }: FuzzEnvironment, done: () => number): { stop(): readonly MemorySample[] } {
  const samples: MemorySample[] = [];
  const timer = setInterval(() => {
    metrics().then(
      (now) =>
        samples.push({
          done: done(),
          heap: now.sum("oms_nodejs_heap_size_used_bytes") / MB,
          resident: now.sum("oms_process_resident_memory_bytes") / MB,
        }),
      // An exited service is reported by the final check.
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

/** Compares the minima of the two periods; undefined when the run was too short. */
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
