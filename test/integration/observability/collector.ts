import { BinaryReader } from "@bufbuild/protobuf/wire";
import { type RecordedRequest, useHttpRecorder } from "./http-recorder.ts";

/** A span received by the collector. */
export interface ExportedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** "" for the root of a trace. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Ids of linked spans. */
  readonly links: readonly string[];
  readonly failed: boolean;
  readonly start: bigint;
  readonly end: bigint;
  /** Resource of the process. */
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A collector for tests: OTLP over HTTP with protobuf. */
export interface Collector {
  readonly url: string;
  /** Spans of a trace received so far. */
  spansOf(traceId: string): ExportedSpan[];
  readonly requests: readonly RecordedRequest[];
}

/** A collector for the tests of a file. */
export function useCollector(): Collector {
  const recorder = useHttpRecorder();
  return {
    get url() {
      return recorder.url;
    },
    requests: recorder.requests,
    spansOf: (traceId) =>
      recorder.requests.flatMap(({ body }) => spansIn(body)).filter((span) => span.traceId === traceId),
  };
}

const KINDS = ["", "internal", "server", "client", "producer", "consumer"];

/**
 * `ExportTraceServiceRequest` → `ResourceSpans` → `ScopeSpans` → `Span`, by the numbers of OTLP
 * 1.x.
 */
function spansIn(request: Uint8Array): ExportedSpan[] {
  return fieldsOf(request)
    .get(1)
    .flatMap((resourceSpans) => {
      const group = fieldsOf(resourceSpans);
      const resource = attributesIn(group.get(1).flatMap((one) => fieldsOf(one).get(1)));
      return group
        .get(2)
        .flatMap((scopeSpans) => fieldsOf(scopeSpans).get(2))
        .map((bytes) => ({ ...spanIn(bytes), resource }));
    });
}

function spanIn(bytes: Uint8Array): Omit<ExportedSpan, "resource"> {
  const span = fieldsOf(bytes);
  const status = span.get(15).flatMap((one) => fieldsOf(one).numbers(3));
  return {
    traceId: hex(span.get(1)[0]),
    spanId: hex(span.get(2)[0]),
    parentId: hex(span.get(4)[0]),
    name: text(span.get(5)[0]),
    kind: KINDS[Number(span.numbers(6)[0])] ?? "",
    attributes: attributesIn(span.get(9)),
    links: span.get(13).map((link) => hex(fieldsOf(link).get(2)[0])),
    failed: Number(status[0] ?? 0) === 2,
    start: span.numbers(7)[0] ?? 0n,
    end: span.numbers(8)[0] ?? 0n,
  };
}

function attributesIn(pairs: readonly Uint8Array[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const fields = fieldsOf(pair);
      return [text(fields.get(1)[0]), valueIn(fields.get(2)[0])];
    }),
  );
}

function valueIn(bytes: Uint8Array = new Uint8Array()): unknown {
  const value = fieldsOf(bytes);
  const [double] = value.get(4);
  if (double !== undefined) {
    return new DataView(double.buffer, double.byteOffset, 8).getFloat64(0, true);
  }
  const [truth] = value.numbers(2);
  return truth === undefined ? (value.get(1).map(text)[0] ?? Number(value.numbers(3)[0])) : truth === 1n;
}

const text = (bytes: Uint8Array = new Uint8Array()) => Buffer.from(bytes).toString();
const hex = (bytes: Uint8Array = new Uint8Array()) => Buffer.from(bytes).toString("hex");

/** The fields of a message by number, as bytes or as numbers. */
function fieldsOf(bytes: Uint8Array) {
  const parts = new Map<number, Uint8Array[]>();
  const numbers = new Map<number, bigint[]>();
  const reader = new BinaryReader(bytes);
  const add = <T>(map: Map<number, T[]>, number: number, value: T) =>
    map.set(number, [...(map.get(number) ?? []), value]);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === 0) {
      add(numbers, number, BigInt(reader.uint64()));
    } else if (type === 1) {
      const from = reader.pos;
      add(numbers, number, BigInt(reader.fixed64()));
      // The same eight bytes, for fields of type double.
      add(parts, number, bytes.subarray(from, reader.pos));
    } else if (type === 5) {
      add(numbers, number, BigInt(reader.fixed32()));
    } else {
      add(parts, number, reader.bytes());
    }
  }
  return { get: (number: number) => parts.get(number) ?? [], numbers: (number: number) => numbers.get(number) ?? [] };
}
