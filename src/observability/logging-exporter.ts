import { DiagLogLevel, diag } from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "./log.ts";
import { createLogLimiter } from "./log-limiter.ts";

/**
 * Wraps a span exporter. Logs when the collector becomes unavailable and when it is available
 * again, not each failed export in between; and, while it is available, when spans are dropped
 * because the queue is full.
 */
export function createLoggingExporter(exporter: SpanExporter, log: Logger): SpanExporter {
  /** Spans dropped since the collector became unavailable. */
  let dropped = 0;
  const overflows = createLogLimiter(log, { message: "trace queue full; spans dropped", perSecond: 1 });
  const ignore = () => {};
  diag.setLogger(
    {
      // The SDK reports a full queue as a warning, and a failed export as an error.
      warn(reason) {
        if (dropped === 0) {
          overflows.write("warn", "", () => ({ reason }));
        }
      },
      error: ignore,
      info: ignore,
      debug: ignore,
      verbose: ignore,
    },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  return {
    export(spans, onResult) {
      exporter.export(spans, (result) => {
        // 0: success.
        if (result.code === 0) {
          if (dropped > 0) {
            log.info({ dropped }, "trace collector available again");
          }
          dropped = 0;
        } else {
          if (dropped === 0) {
            log.warn({ reason: result.error?.message }, "trace collector unavailable; spans are dropped");
          }
          dropped += spans.length;
        }
        onResult(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
