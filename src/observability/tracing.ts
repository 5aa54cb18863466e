/** What is said of a span besides its name and times. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** What part a span plays: it serves a call, makes one, sends a message, deals with one, or none of these. */
export type SpanKind = "server" | "client" | "producer" | "consumer" | "internal";

/** A piece of work in a trace. */
export interface Span {
  /** What its children name as their parent, here and elsewhere. */
  readonly traceparent: string;
  /** Whether it is kept: attributes of one that is not need not be made. */
  readonly recording: boolean;
  set(attributes: Attributes): void;
  /** Points at a span of another trace, or elsewhere in this one, by its traceparent. */
  link(traceparent: string): void;
  fail(why: string): void;
  /** @param at as performance.now() gives it; now, where nobody says */
  end(at?: number): void;
}

/** How a span begins. */
export interface SpanStart {
  readonly kind: SpanKind;
  /** Its parent's traceparent; "" begins a trace. */
  readonly parent: string;
  readonly attributes?: Attributes;
  /** As performance.now() gives it; now, where nobody says. */
  readonly startTime?: number;
}

/** Makes spans. Who has none of it makes none, and pays no more than the look. */
export interface Tracer {
  start(name: string, how: SpanStart): Span;
}

/** A tracer that sends its spans to a collector. */
export interface Tracing extends Tracer {
  /** Sends what is left, within a second, and then no more. */
  close(): Promise<void>;
}

/** Which traces are kept: the standard's samplers, by their names. */
export type SamplerName =
  | "always_on"
  | "always_off"
  | "traceidratio"
  | "parentbased_always_on"
  | "parentbased_always_off"
  | "parentbased_traceidratio";

/** What is set for tracing. The exporter itself reads further variables of the standard, such as its headers. */
export interface TracingSettings {
  /** Where spans go, over HTTP as protobuf. */
  readonly url: string;
  readonly sampler: SamplerName;
  /** Of the samplers by ratio: which share of the traces is kept. */
  readonly ratio: number;
  /** Spans that wait to be sent; beyond it they are lost. */
  readonly maxQueue: number;
  /** Spans in one request. */
  readonly maxBatch: number;
  /** How long a span waits for others, in milliseconds. */
  readonly delayMs: number;
}
