import { percentile } from "./results.ts";

const EVERY_MS = 5_000;

/** A start is not yet a steady state: this share of the time does not count for the slope. */
const SETTLING = 0.2;

export interface MemoryTrend {
  /** In MB, as is the highest. */
  readonly median: number;
  readonly highest: number;
  /** Of the line through the values of the last four fifths of the time, in MB a minute. */
  readonly slope: number;
}

/** Reads a process's memory each 5 s, until it is told to end. */
export function watchMemory(readMegabytes: () => number): { end(): MemoryTrend } {
  const begin = performance.now();
  const course: { readonly minutes: number; readonly megabytes: number }[] = [];
  const look = () => course.push({ minutes: (performance.now() - begin) / 60_000, megabytes: readMegabytes() });
  const timer = setInterval(look, EVERY_MS);
  return {
    end() {
      clearInterval(timer);
      look();
      const megabytes = course.map((point) => point.megabytes);
      return {
        median: percentile([...megabytes], 0.5),
        highest: Math.max(...megabytes),
        slope: slopeOf(course.slice(Math.floor(course.length * SETTLING))),
      };
    },
  };
}

/** Of the line that is nearest to the points, by least squares. */
function slopeOf(points: readonly { readonly minutes: number; readonly megabytes: number }[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(({ minutes }) => minutes));
  const y = mean(points.map(({ megabytes }) => megabytes));
  const spread = points.reduce((sum, { minutes }) => sum + (minutes - x) ** 2, 0);
  const together = points.reduce((sum, { minutes, megabytes }) => sum + (minutes - x) * (megabytes - y), 0);
  return spread === 0 ? 0 : together / spread;
}
