import {
  type Context,
  type Span as OtelSpan,
  SpanKind as OtelSpanKind,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "./log.ts";
import { createLoggingExporter } from "./logging-exporter.ts";
import { samplerOf } from "./otel-sampler.ts";
import { isSampled } from "./traceparent.ts";
import type { Span, SpanKind, SpanStart, Tracing, TracingSettings } from "./tracing.ts";

/** What the service is called in traces where OTEL_SERVICE_NAME does not say. */
const SERVICE_NAME = "order-status-service";

/** How long the last spans may take, in milliseconds: a collector that is gone must not hold up the end. */
const LAST_EXPORT_MS = 1_000;

const KINDS: Readonly<Record<SpanKind, OtelSpanKind>> = {
  server: OtelSpanKind.SERVER,
  client: OtelSpanKind.CLIENT,
  producer: OtelSpanKind.PRODUCER,
  consumer: OtelSpanKind.CONSUMER,
  internal: OtelSpanKind.INTERNAL,
};

/** Tracing by OpenTelemetry's SDK, without its globals: parents are named, not felt. */
export function createTracing(settings: TracingSettings, log: Logger): Tracing {
  const { url, maxQueue, maxBatch, delayMs } = settings;
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ "service.name": SERVICE_NAME }))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(settings),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: createLoggingExporter(new OTLPTraceExporter({ url }), log),
        maxQueueSize: maxQueue,
        maxExportBatchSize: Math.min(maxBatch, maxQueue),
        scheduledDelayMillis: delayMs,
      }),
    ],
  });
  const tracer = provider.getTracer("oms");
  const asParentsSay = settings.sampler.startsWith("parentbased_");

  return {
    start(name, { kind, parent, attributes, startTime }: SpanStart) {
      if (asParentsSay && parent !== "" && !isSampled(parent)) {
        return unkept(parent);
      }
      const span = tracer.startSpan(
        name,
        {
          kind: KINDS[kind],
          ...(attributes !== undefined && { attributes }),
          ...(startTime !== undefined && { startTime: startTime }),
        },
        contextOf(parent),
      );
      return span.isRecording() ? kept(span) : unkept(traceparentOf(span));
    },
    async close() {
      const timeUp = Promise.withResolvers<void>();
      const timer = setTimeout(timeUp.resolve, LAST_EXPORT_MS);
      // What could not be sent was told by the exporter.
      await Promise.race([provider.shutdown().catch(() => {}), timeUp.promise]);
      clearTimeout(timer);
    },
  };
}

function kept(span: OtelSpan): Span {
  const traceparent = traceparentOf(span);
  return {
    traceparent,
    recording: true,
    set: (attributes) => void span.setAttributes(attributes),
    link: (other) => void span.addLink({ context: spanContextOf(other) }),
    fail: (message) => void span.setStatus({ code: SpanStatusCode.ERROR, message }),
    end: (at) => span.end(at),
  };
}

const nothing = () => {};

/** Nobody will see it; its children are told so. */
function unkept(traceparent: string): Span {
  return { traceparent, recording: false, set: nothing, link: nothing, fail: nothing, end: nothing };
}

function contextOf(parent: string): Context {
  return parent === "" ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent));
}

function spanContextOf(traceparent: string): SpanContext {
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: isSampled(traceparent) ? 1 : 0,
    isRemote: true,
  };
}

function traceparentOf(span: OtelSpan): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${(traceFlags & 1) === 1 ? "01" : "00"}`;
}
