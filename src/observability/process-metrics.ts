import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { Metrics } from "./metrics.ts";

/** Registers what the default metrics lack: build information and event loop utilization. */
export function registerProcessMetrics(
  { buildInfo, eventLoopActive }: Pick<Metrics, "buildInfo" | "eventLoopActive">,
  role: string,
): void {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  buildInfo.addCallback((observe) => observe({ version, node: process.version, role }, 1));
  eventLoopActive.addCallback((observe) => observe({}, performance.eventLoopUtilization().active / 1_000));
}
