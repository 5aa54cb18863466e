import type { Message } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Logger } from "../../observability/log.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Call, Interceptor, Rpc } from "../call.ts";
import { toConnectError } from "../wire/errors.ts";

/** Turns whatever is thrown into what goes over the wire. What is a bug is told to the log, whole, and to the caller not at all. */
export const mapErrors = (log: Logger): Interceptor => {
  const mapped = (error: unknown, { method }: Rpc, { callId, caller, traceparent }: Call) => {
    const answer = toConnectError(error, callId);
    if (answer.code === Code.Internal) {
      const about = { callId, traceId: traceIdOf(traceparent), rpc: method.name, caller };
      log.error({ ...about, ...factsOf(answer.cause ?? answer) }, "a bug: call failed");
    }
    return answer;
  };
  return (next, rpc) =>
    rpc.streams
      ? async function* (request, call) {
          try {
            yield* next(request, call) as AsyncIterable<Message>;
          } catch (error) {
            throw mapped(error, rpc, call);
          }
        }
      : async (request, call) => {
          try {
            return await (next(request, call) as Promise<Message>);
          } catch (error) {
            throw mapped(error, rpc, call);
          }
        };
};

/** Not the error itself: a driver's carries the statement, and the statement personal data. */
function factsOf(error: unknown): object {
  return error instanceof Error
    ? { error: error.message, stack: error.stack, errno: (error as NodeJS.ErrnoException).errno }
    : { error: String(error) };
}
