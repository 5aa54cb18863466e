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
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "./log.ts";
import { createLoggingExporter } from "./logging-exporter.ts";
import { isSampled } from "./traceparent.ts";
import type { Span, SpanKind, SpanStart, Tracing, TracingSettings } from "./tracing.ts";

/** Default of OTEL_SERVICE_NAME. */
const SERVICE_NAME = "order-status-service";

/**
 * Time limit of the last export, in milliseconds: an unavailable collector must not delay the
 * shutdown.
 */
const LAST_EXPORT_MS = 1_000;

const KINDS: Readonly<Record<SpanKind, OtelSpanKind>> = {
  server: OtelSpanKind.SERVER,
  client: OtelSpanKind.CLIENT,
  producer: OtelSpanKind.PRODUCER,
  consumer: OtelSpanKind.CONSUMER,
  internal: OtelSpanKind.INTERNAL,
};

/**
 * Creates a tracer with the OpenTelemetry SDK. Parents are passed explicitly; no globals are used.
 */
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
  const parentBased = settings.sampler.startsWith("parentbased_");

  return {
    start(name, { kind, parent, attributes, startTime }: SpanStart) {
      if (parentBased && parent !== "" && !isSampled(parent)) {
        return notRecording(parent);
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
      return span.isRecording() ? recording(span) : notRecording(traceparentOf(span));
    },
    async close() {
      const timedOut = Promise.withResolvers<void>();
      const timer = setTimeout(timedOut.resolve, LAST_EXPORT_MS);
      // The exporter logs failures.
      await Promise.race([provider.shutdown().catch(() => {}), timedOut.promise]);
      clearTimeout(timer);
    },
  };
}

function recording(span: OtelSpan): Span {
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

const noop = () => {};

/** A span that is not exported; its children are not sampled either. */
function notRecording(traceparent: string): Span {
  return { traceparent, recording: false, set: noop, link: noop, fail: noop, end: noop };
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

function samplerOf({ sampler, ratio }: Pick<TracingSettings, "sampler" | "ratio">): Sampler {
  switch (sampler) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(ratio);
    case "parentbased_always_on":
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case "parentbased_always_off":
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case "parentbased_traceidratio":
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}
