import { Presets, SingleBar } from "cli-progress";
import { formatSeconds } from "../tools/demo/duration.ts";

/** Shows how far the run is. */
export interface Progress {
  stop(): void;
}

const DRAW_MS = 500;
const LINE_MS = 10_000;

/** A bar on a terminal, else a line now and then; on the standard error. */
export function showProgress(total: number, now: () => { readonly sent: number; readonly findings: number }): Progress {
  const began = performance.now();
  const payload = () => {
    const { sent, findings } = now();
    const elapsed = performance.now() - began;
    const left = sent === 0 ? "" : `, about ${formatSeconds((elapsed / sent) * (total - sent))} left`;
    return { elapsed: formatSeconds(elapsed), left, findings: `${findings} findings` };
  };
  if (!process.stderr.isTTY) {
    const timer = setInterval(() => {
      const { elapsed, left, findings } = payload();
      process.stderr.write(`  ${now().sent.toLocaleString("en")} sent after ${elapsed}${left}; ${findings}\n`);
    }, LINE_MS);
    return { stop: () => clearInterval(timer) };
  }
  const bar = new SingleBar(
    {
      format: "  {bar} {value} of {total}, {elapsed}{left}  {findings}",
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  bar.start(total, 0, payload());
  const timer = setInterval(() => bar.update(now().sent, payload()), DRAW_MS);
  return {
    stop() {
      clearInterval(timer);
      bar.stop();
    },
  };
}
