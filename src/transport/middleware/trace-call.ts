import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Span, Tracer } from "../../observability/tracing.ts";
import type { Call, Handler, Interceptor, Transport } from "../call.ts";
import { grpcCodeName } from "../code-name.ts";
import { clientDisconnected } from "./in-flight.ts";
import { type CommonRequestFields, orderIdOf } from "./request-fields.ts";

/** `rpc.system`, by the way that a call came in. */
const SYSTEMS: Readonly<Record<Transport, string>> = { grpc: "grpc", http: "connect_rpc", legacy: "oms_legacy" };

/** Codes that are the server's fault, by the standard's word. */
const FAULTS: readonly Code[] = [
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
];

/**
 * Makes a span of each call, a watch's as long as the watch; what the call sets off belongs to it. A call that is not to be kept goes on as
 * it came: without a trace, or with its caller's, and costs what follows it nothing.
 */
export const traceCall =
  (tracer: Tracer): Interceptor =>
  (next, { method, streams }) => {
    const name = `${method.parent.typeName}/${method.name}`;
    const begin = (call: Call): Span => {
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
          "rpc.system": SYSTEMS[call.front],
          "rpc.service": method.parent.typeName,
          "rpc.method": method.name,
          "rpc.grpc.status_code": failure?.code ?? 0,
          "oms.code": failure === undefined ? "OK" : grpcCodeName(failure.code),
          "oms.call_id": call.callId,
          "oms.caller": call.caller,
          "oms.order_id": String(orderIdOf(request as CommonRequestFields)),
          ...(call.oldMethod !== "" && { "oms.old_method": call.oldMethod }),
        });
        if (failure !== undefined && FAULTS.includes(failure.code)) {
          span.fail(failure.rawMessage);
        }
      }
      span.end();
    };
    return streams ? traceStream(next, begin, end) : traceUnary(next, begin, end);
  };

type Begin = (call: Call) => Span;
type End = (span: Span, request: Message, call: Call, error: unknown) => void;

function traceUnary(next: Handler, begin: Begin, end: End): Handler {
  const kept = async (span: Span, request: Message, call: Call) => {
    try {
      const answer = await (next(request, call) as Promise<Message>);
      end(span, request, call, undefined);
      return answer;
    } catch (error) {
      end(span, request, call, error);
      throw error;
    }
  };
  return (request, call) => {
    const span = begin(call);
    return span.recording ? kept(span, request, call) : next(request, call);
  };
}

function traceStream(next: Handler, begin: Begin, end: End): Handler {
  return async function* (request, call) {
    const span = begin(call);
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
