import { Presets, SingleBar } from "cli-progress";
import { formatSeconds } from "../tools/demo/duration.ts";

/** Shows how far the run is. */
export interface Progress {
  /** The next measurement begins. */
  begin(what: string): void;
  /** It has ended. */
  done(): void;
  /** A line that stays. */
  print(line: string): void;
  stop(): void;
}

const DRAW_MS = 1_000;

/** A bar on a terminal, else a line for each measurement; on the standard error. */
export function showProgress(measurements: number): Progress {
  return process.stderr.isTTY ? showBar(measurements) : showLines(measurements);
}

function showLines(measurements: number): Progress {
  const began = performance.now();
  const print = (line: string) => void process.stderr.write(`${line}\n`);
  let count = 0;
  return {
    begin(what) {
      count += 1;
      print(`  ${count} of ${measurements}, after ${formatSeconds(performance.now() - began)}: ${what}`);
    },
    done() {},
    print,
    stop() {},
  };
}

function showBar(measurements: number): Progress {
  const began = performance.now();
  const bar = new SingleBar(
    {
      format: "  {bar} {value} of {total}, {elapsed}{left}  {what}",
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  let [count, what] = [0, ""];
  const payload = () => {
    const elapsed = performance.now() - began;
    const left = count === 0 ? "" : `, description ${formatSeconds((elapsed / count) * (measurements - count))} left`;
    return { elapsed: formatSeconds(elapsed), left, what };
  };
  const draw = () => bar.update(count, payload());
  const start = () => bar.start(measurements, count, payload());
  start();
  const timer = setInterval(draw, DRAW_MS);
  return {
    begin(next) {
      what = next;
      draw();
    },
    done() {
      count += 1;
      draw();
    },
    print(line) {
      bar.stop();
      process.stderr.write(`${line}\n`);
      start();
    },
    stop() {
      clearInterval(timer);
      bar.stop();
    },
  };
}
