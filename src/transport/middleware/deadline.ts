import { Code, ConnectError } from "@connectrpc/connect";
import type { Interceptor, RpcResponse } from "../call.ts";

/**
 * Gives every unary call a deadline: its caller's, or the cap where that is later or missing. A change that has not begun by then
 * is not made. Streams last as long as their clients want.
 */
export const deadline =
  (capMs: number): Interceptor =>
  (next, { streams }) =>
    streams
      ? next
      : (request, call) => {
          const now = Date.now();
          const leftMs = call.deadline === undefined ? capMs : Math.min(call.deadline.getTime() - now, capMs);
          if (leftMs <= 0) {
            throw deadlinePassed();
          }
          call.deadline = new Date(now + leftMs);
          return within(leftMs, next(request, call) as Promise<never>);
        };

function within(ms: number, answer: Promise<never>): RpcResponse {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(deadlinePassed()), ms);
    answer.then(
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

function deadlinePassed(): ConnectError {
  const message =
    "the deadline passed before the answer was there; a change that had not begun by then is not made: repeat it with the same request_id";
  return new ConnectError(message, Code.DeadlineExceeded);
}
