import { showProgress as showBar } from "../tools/testkit/progress.ts";

/** Progress over a known number of measurements. */
export interface Progress {
  /** The next measurement begins. */
  begin(name: string): void;
  /** The current measurement has ended. */
  done(): void;
  /** Prints a line that stays. */
  print(line: string): void;
  stop(): void;
}

/** Shows a bar on a terminal, otherwise prints a line per measurement. */
export function showProgress(measurements: number): Progress {
  let [done, current] = [0, ""];
  const bar = showBar({
    total: measurements,
    value: () => done,
    text: () => `${done + 1} of ${measurements}: ${current}`,
  });
  return {
    begin(name) {
      current = name;
      bar.draw();
      if (!process.stderr.isTTY) {
        bar.print(`  ${done + 1} of ${measurements}: ${name}`);
      }
    },
    done() {
      done += 1;
      bar.draw();
    },
    print: bar.print,
    stop: bar.stop,
  };
}
