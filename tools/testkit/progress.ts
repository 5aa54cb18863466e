import { Presets, SingleBar } from "cli-progress";
import { formatSeconds } from "../demo/format.ts";

/** Progress of a long-running program, on standard error. */
export interface Progress {
  /** Redraws the bar now. */
  draw(): void;
  /** Prints a line that stays. */
  print(line: string): void;
  stop(): void;
}

export interface ProgressOptions {
  readonly total: number;
  /** Progress so far, in the unit of `total`. */
  readonly value: () => number;
  /** What is shown after the remaining time. */
  readonly text: () => string;
  /**
   * Interval of the lines that are printed when standard error is no terminal, in milliseconds;
   * none by default.
   */
  readonly lineMs?: number;
}

const DRAW_MS = 500;

/** Draws a bar on a terminal; otherwise prints a line at intervals. */
export function showProgress({ total, value, text, lineMs }: ProgressOptions): Progress {
  const begin = performance.now();
  const current = () => Math.min(value(), total);
  const remaining = () => {
    const done = current();
    return done === 0 ? "" : `, about ${formatSeconds(((performance.now() - begin) / done) * (total - done))} left`;
  };
  const payload = () => ({ elapsed: formatSeconds(performance.now() - begin), left: remaining(), text: text() });
  const write = (line: string) => void process.stderr.write(`${line}\n`);
  if (!process.stderr.isTTY) {
    const line = () => {
      const { elapsed, left } = payload();
      write(`  ${elapsed}${left}: ${text()}`);
    };
    const timer = lineMs === undefined ? undefined : setInterval(line, lineMs);
    return { draw() {}, print: write, stop: () => clearInterval(timer) };
  }
  const bar = new SingleBar(
    {
      format: "  {bar} {elapsed}{left}  {text}",
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  const start = () => bar.start(total, current(), payload());
  const draw = () => bar.update(current(), payload());
  start();
  const timer = setInterval(draw, DRAW_MS);
  return {
    draw,
    print(line) {
      bar.stop();
      write(line);
      start();
    },
    stop() {
      clearInterval(timer);
      bar.stop();
    },
  };
}
