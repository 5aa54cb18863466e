/** Attributes of a span. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** OpenTelemetry's span kinds. */
export type SpanKind = "server" | "client" | "producer" | "consumer" | "internal";

/** An operation within a trace. */
export interface Span {
  /** W3C `traceparent` that children use as their parent, in this process or another. */
  readonly traceparent: string;
  /** Whether the span is recorded. The attributes of one that is not need not be computed. */
  readonly recording: boolean;
  set(attributes: Attributes): void;
  /** Links to another span by its `traceparent`. */
  link(traceparent: string): void;
  fail(message: string): void;
  /** @param at end time as of performance.now(); default: now */
  end(at?: number): void;
}

/** Options of a new span. */
export interface SpanStart {
  readonly kind: SpanKind;
  /** `traceparent` of the parent; "" starts a trace. */
  readonly parent: string;
  readonly attributes?: Attributes;
  /** Start time as of performance.now(). Default: now. */
  readonly startTime?: number;
}

/** Creates spans. Undefined where tracing is disabled. */
export interface Tracer {
  start(name: string, options: SpanStart): Span;
}

/** A tracer that exports its spans to a collector. */
export interface Tracing extends Tracer {
  /** Exports the remaining spans, for at most a second, and stops. */
  close(): Promise<void>;
}

/** OpenTelemetry's samplers (OTEL_TRACES_SAMPLER). */
export type SamplerName =
  | "always_on"
  | "always_off"
  | "traceidratio"
  | "parentbased_always_on"
  | "parentbased_always_off"
  | "parentbased_traceidratio";

/** Tracing settings. The exporter reads further OTEL_* variables itself, such as its headers. */
export interface TracingSettings {
  /** OTLP endpoint (HTTP, protobuf). */
  readonly url: string;
  readonly sampler: SamplerName;
  /** Share of the traces kept by the ratio samplers, 0 to 1. */
  readonly ratio: number;
  /** Maximum number of spans waiting for export; further spans are dropped. */
  readonly maxQueue: number;
  /** Maximum number of spans per request. */
  readonly maxBatch: number;
  /** Delay before a batch is exported, in milliseconds. */
  readonly delayMs: number;
}
