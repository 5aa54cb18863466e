import { DiagLogLevel, diag } from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "./log.ts";
import { createLogLimiter } from "./log-limiter.ts";

/**
 * An exporter that tells the log when the collector goes away and when it is back, not of each failure in between; and, while it is there,
 * that spans come faster than they can be sent.
 */
export function createLoggingExporter(exporter: SpanExporter, log: Logger): SpanExporter {
  /** Spans, since the collector went away. */
  let lost = 0;
  const lines = createLogLimiter(log, { message: "spans are lost: the queue of traces is full", perSecond: 1 });
  const nothing = () => {};
  diag.setLogger(
    {
      // The SDK says here how many its queue had no room for; what cannot be sent it tells as an error.
      warn(said) {
        if (lost === 0) {
          lines.write("warn", "", () => ({ reason: said }));
        }
      },
      error: nothing,
      info: nothing,
      debug: nothing,
      verbose: nothing,
    },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  return {
    export(spans, settle) {
      exporter.export(spans, (result) => {
        // 0: success.
        if (result.code === 0) {
          if (lost > 0) {
            log.info({ lost }, "the collector of traces is back");
          }
          lost = 0;
        } else {
          if (lost === 0) {
            const reason = result.error?.message;
            log.warn({ reason }, "the collector of traces takes no spans; they are lost until it does");
          }
          lost += spans.length;
        }
        settle(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
