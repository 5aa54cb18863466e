import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { isTraceparent } from "../../observability/traceparent.ts";
import type { Span, Tracer } from "../../observability/tracing.ts";
import type { Call, Handler, Interceptor, Transport } from "../call.ts";
import { grpcCodeName } from "../wire/errors.ts";
import { clientDisconnected } from "./in-flight.ts";
import { type CommonRequestFields, orderIdOf } from "./request-fields.ts";

/**
 * Reads the trace that the call belongs to; ignores a malformed header, as W3C Trace Context
 * requires.
 */
export const readTraceContext: Interceptor = (next) => (request, call) => {
  const traceparent = call.header("traceparent");
  if (traceparent && isTraceparent(traceparent)) {
    call.traceparent = traceparent;
  }
  return next(request, call);
};

/** The span attribute `rpc.system`. */
const SYSTEMS: Readonly<Record<Transport, string>> = { grpc: "grpc", http: "connect_rpc", legacy: "oms_legacy" };

/** Codes that OpenTelemetry's semantic conventions consider errors of the server. */
const SERVER_ERRORS: readonly Code[] = [
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
];

/**
 * Creates a span for each call, the parent of all that the call causes; the span of a watch ends
 * with it. A call that is not sampled keeps its caller's trace context, if any.
 */
export const traceCall =
  (tracer: Tracer): Interceptor =>
  (next, { method, streaming }) => {
    const name = `${method.parent.typeName}/${method.name}`;
    const start = (call: Call): Span => {
      const span = tracer.start(name, { kind: "server", parent: call.traceparent });
      if (span.recording) {
        call.traceparent = span.traceparent;
      }
      return span;
    };
    const end = (span: Span, request: Message, call: Call, error: unknown): void => {
      if (span.recording) {
        const failure = error === undefined ? undefined : ConnectError.from(error);
        span.set({
          "rpc.system": SYSTEMS[call.transport],
          "rpc.service": method.parent.typeName,
          "rpc.method": method.name,
          "rpc.grpc.status_code": failure?.code ?? 0,
          "oms.code": failure === undefined ? "OK" : grpcCodeName(failure.code),
          "oms.call_id": call.callId,
          "oms.caller": call.caller,
          "oms.order_id": String(orderIdOf(request as CommonRequestFields)),
          ...(call.legacyMethod !== "" && { "oms.legacy_method": call.legacyMethod }),
        });
        if (failure !== undefined && SERVER_ERRORS.includes(failure.code)) {
          span.fail(failure.rawMessage);
        }
      }
      span.end();
    };
    return streaming ? traceStream(next, start, end) : traceUnary(next, start, end);
  };

type Start = (call: Call) => Span;
type End = (span: Span, request: Message, call: Call, error: unknown) => void;

function traceUnary(next: Handler, start: Start, end: End): Handler {
  const traced = async (span: Span, request: Message, call: Call) => {
    try {
      const response = await (next(request, call) as Promise<Message>);
      end(span, request, call, undefined);
      return response;
    } catch (error) {
      end(span, request, call, error);
      throw error;
    }
  };
  return (request, call) => {
    const span = start(call);
    return span.recording ? traced(span, request, call) : next(request, call);
  };
}

function traceStream(next: Handler, start: Start, end: End): Handler {
  return async function* (request, call) {
    const span = start(call);
    let outcome: unknown = clientDisconnected();
    try {
      yield* next(request, call) as AsyncIterable<Message>;
      outcome = undefined;
    } catch (error) {
      outcome = error;
      throw error;
    } finally {
      end(span, request, call, outcome);
    }
  };
}
