import { formatCount } from "./format.ts";

/** Tells on a terminal how far long work is; elsewhere it says nothing. */
export interface Progress {
  update(count: bigint): void;
  stop(): void;
}

/**
 * @param what for example "retried"
 * @param total undefined where nobody knows: then only the count is shown
 */
export async function showProgress(what: string, total: bigint | undefined): Promise<Progress> {
  // Most runs end before there is anything to show.
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
      // What is added meanwhile counts as well.
      bar.setTotal(Math.max(bar.getTotal(), Number(count)));
      bar.update(Number(count));
    },
    stop: () => bar.stop(),
  };
}
