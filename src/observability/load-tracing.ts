import type { Logger } from "./log.ts";
import type { Tracing, TracingSettings } from "./tracing.ts";

/** Loads OpenTelemetry's SDK, which nobody without a collector should have to. */
export async function loadTracing(settings: TracingSettings, log: Logger): Promise<Tracing> {
  const { createTracing } = await import("./otel.ts");
  return createTracing(settings, log);
}
