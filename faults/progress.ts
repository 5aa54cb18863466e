import { Presets, SingleBar } from "cli-progress";
import { formatSeconds } from "../tools/demo/duration.ts";

/** What there is to say while the suite runs. */
export interface RunStatus {
  readonly phase: string;
  readonly events: number;
  readonly kills: number;
  readonly findings: number;
}

export interface Progress {
  /** A line that stays. */
  print(line: string): void;
  stop(): void;
}

/** How often the bar is drawn, and a line is written where there is no terminal, in milliseconds. */
const DRAW_MS = 500;
const LINE_MS = 15_000;

/** A bar on a terminal, else a line now and then; on the standard error. */
export function showProgress(totalMs: number, now: () => RunStatus): Progress {
  const began = performance.now();
  const elapsed = () => performance.now() - began;
  const left = () => formatSeconds(Math.max(0, totalMs - elapsed()));
  const sums = ({ events, kills, findings }: RunStatus) =>
    `${events.toLocaleString("en")} events, ${kills} kills, ${findings} findings`;
  if (!process.stderr.isTTY) {
    const timer = setInterval(() => {
      process.stderr.write(`  ${now().phase}: ${sums(now())}; about ${left()} left\n`);
    }, LINE_MS);
    return { print: (line) => void process.stderr.write(`${line}\n`), stop: () => clearInterval(timer) };
  }
  const bar = new SingleBar(
    {
      format: "  {bar} {left} left  {phase}: {sums}",
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
      fps: 1_000 / DRAW_MS,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  const payload = () => ({ left: left(), phase: now().phase, sums: sums(now()) });
  const draw = () => bar.update(Math.min(elapsed(), totalMs), payload());
  const start = () => bar.start(totalMs, Math.min(elapsed(), totalMs), payload());
  start();
  const timer = setInterval(draw, DRAW_MS);
  return {
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
