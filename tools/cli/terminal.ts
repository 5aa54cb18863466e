import { styleText } from "node:util";
import { formatCount } from "./format.ts";
import type { Screen } from "./table.ts";

/** Width of the terminal in cells; if the output is redirected, COLUMNS, else unlimited. */
function widthOf(env: NodeJS.ProcessEnv): number {
  return process.stdout.columns ?? (Number(env.COLUMNS) || Number.POSITIVE_INFINITY);
}

/** Standard output. It has colours if it is a terminal and NO_COLOR is not set. */
export const terminal: Screen = {
  get width() {
    return widthOf(process.env);
  },
  paint: (tone, text) => styleText(tone, text, { stream: process.stdout }),
};

/** Prints a result to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints a remark to standard error, which scripts do not read. */
export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A Ctrl-C arrives from the terminal and, a moment later, from npx: both count as one. */
const SAME_INTERRUPT_MS = 1_000;

/** A signal that is aborted by the first Ctrl-C (or SIGTERM). A second one ends the process. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  let interruptedAt: number | undefined;
  const interrupt = () => {
    interruptedAt ??= Date.now();
    if (Date.now() - interruptedAt > SAME_INTERRUPT_MS) {
      process.exit(130);
    }
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return controller.signal;
}

/** A progress bar on standard error; without a terminal it prints nothing. */
export interface Progress {
  update(count: bigint): void;
  stop(): void;
}

/**
 * @param what for example "retried"
 * @param total undefined if unknown: only the count is shown
 */
export async function showProgress(what: string, total: bigint | undefined): Promise<Progress> {
  // Most commands end before there is progress to show.
  const { default: cliProgress } = await import("cli-progress");
  const bar = new cliProgress.SingleBar(
    {
      format: total === undefined ? `${what} {value}` : `${what} {bar} {percentage}%  {value} of {total}`,
      formatValue: (value, _, type) => (type === "percentage" ? String(value) : formatCount(value)),
      clearOnComplete: true,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(Number(total ?? 0n), 0);
  return {
    update(count) {
      // The total may grow while the command runs.
      bar.setTotal(Math.max(bar.getTotal(), Number(count)));
      bar.update(Number(count));
    },
    stop: () => bar.stop(),
  };
}
