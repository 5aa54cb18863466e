import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "./log.ts";

/** An exporter that tells the log when the collector goes away and when it is back, not of each failure in between. */
export function tellingExporter(exporter: SpanExporter, log: Logger): SpanExporter {
  let failed = 0;
  return {
    export(spans, settle) {
      exporter.export(spans, (result) => {
        // 0: success.
        if (result.code === 0) {
          if (failed > 0) {
            log.info({ lost: failed }, "the collector of traces is back");
          }
          failed = 0;
        } else {
          if (failed === 0) {
            log.warn(
              { reason: result.error?.message },
              "the collector of traces takes no spans; they are lost until it does",
            );
          }
          failed += spans.length;
        }
        settle(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}
