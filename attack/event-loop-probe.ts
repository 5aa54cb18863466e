/**
 * Loaded into the service before its own modules (NODE_OPTIONS): measures how long the event loop
 * is held at a stretch, and appends a line with the time and the longest stretch to the file named
 * by EVENT_LOOP_FILE.
 *
 * A stretch is the processor time that the main thread uses between two timers. Unlike a delay it
 * does not grow while other processes have the processor.
 */
import { appendFileSync } from "node:fs";

/** Interval of the timer, in milliseconds; a stretch below it is not seen. */
const TICK_MS = 2;

/** Interval of the lines, in milliseconds. */
const LINE_MS = 100;

const file = process.env.EVENT_LOOP_FILE;
if (file === undefined) {
  throw new Error("EVENT_LOOP_FILE is not set: start the service by attack/environment.ts");
}

const usedMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
};

let previous = usedMs();
let longest = 0;
let linedAt = performance.now();

setInterval(() => {
  const now = usedMs();
  longest = Math.max(longest, now - previous);
  if (performance.now() - linedAt >= LINE_MS) {
    appendFileSync(file, `${Date.now()} ${longest.toFixed(1)}\n`);
    longest = 0;
    linedAt = performance.now();
    // Without the time to write the line.
    previous = usedMs();
  } else {
    previous = now;
  }
}, TICK_MS).unref();
