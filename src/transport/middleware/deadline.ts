import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Interceptor } from "../call.ts";

/**
 * Gives every unary call a deadline: its caller's, or the cap where that is later or missing. A
 * change not started by then is not made. Streams have none.
 */
export const deadline =
  (capMs: number): Interceptor =>
  (next, { streaming }) =>
    streaming
      ? next
      : (request, call) => {
          const now = Date.now();
          const remainingMs = call.deadline === undefined ? capMs : Math.min(call.deadline.getTime() - now, capMs);
          if (remainingMs <= 0) {
            throw deadlineExceeded();
          }
          call.deadline = new Date(now + remainingMs);
          return rejectAfter(remainingMs, next(request, call) as Promise<Message>);
        };

function rejectAfter(ms: number, response: Promise<Message>): Promise<Message> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(deadlineExceeded()), ms);
    response.then(
      (message) => {
        clearTimeout(timer);
        resolve(message);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

function deadlineExceeded(): ConnectError {
  const message = "deadline exceeded; a change not started by then is not made: retry with the same request_id";
  return new ConnectError(message, Code.DeadlineExceeded);
}
