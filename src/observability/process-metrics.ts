import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Metrics } from "./metrics.ts";

/** Tells what the default metrics do not: which version runs, and how busy the event loop is. */
export function registerProcessMetrics(
  { buildInfo, loopActive }: Pick<Metrics, "buildInfo" | "loopActive">,
  role: string,
): void {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  buildInfo.addCallback((tell) => tell({ version, node: process.version, role }, 1));
  loopActive.addCallback((tell) => tell({}, performance.eventLoopUtilization().active / 1_000));
}
