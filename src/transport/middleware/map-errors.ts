import type { Message } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { Logger } from "../../observability/log.ts";
import { redactDatabaseValues } from "../../observability/redaction.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Call, Interceptor, Rpc } from "../call.ts";
import { toConnectError } from "../wire/errors.ts";

/**
 * Maps errors to what clients receive. Unexpected ones (bugs) are logged in full, and not
 * disclosed.
 */
export const mapErrors = (log: Logger): Interceptor => {
  const map = (cause: unknown, { method }: Rpc, { callId, caller, traceparent }: Call) => {
    const error = toConnectError(cause, callId);
    if (error.code === Code.Internal) {
      const fields = { callId, traceId: traceIdOf(traceparent), rpc: method.name, caller };
      log.error({ ...fields, ...errorFields(error.cause ?? error) }, "unhandled error");
    }
    return error;
  };
  return (next, rpc) =>
    rpc.streaming
      ? async function* (request, call) {
          try {
            yield* next(request, call) as AsyncIterable<Message>;
          } catch (error) {
            throw map(error, rpc, call);
          }
        }
      : async (request, call) => {
          try {
            return await (next(request, call) as Promise<Message>);
          } catch (error) {
            throw map(error, rpc, call);
          }
        };
};

/** Not the error object: a driver's contains the statement, and with it personal data. */
function errorFields(error: unknown): object {
  return error instanceof Error
    ? {
        error: redactDatabaseValues(error.message),
        stack: redactDatabaseValues(error.stack ?? ""),
        errno: (error as NodeJS.ErrnoException).errno,
      }
    : { error: String(error) };
}
