import { type Dispatcher, Pool } from "undici";
import { basicAuth } from "./basic-auth.ts";

/** What came back, whatever it says. */
export interface HttpResponse {
  /** The HTTP status. */
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
  /** The beginning of the body. */
  readonly text: string;
}

/** Sends POSTs with a JSON body to one address. */
export interface HttpPoster {
  /**
   * Rejects when there is no whole answer in time, and when the signal says so.
   *
   * @param text the body
   * @param traceparent the header of that name; "" for none
   */
  post(key: string, text: string, signal: AbortSignal | undefined, traceparent: string): Promise<HttpResponse>;
  /** Closes the connections that are kept open. */
  close(): void;
}

/** Bytes of an answer that are kept: reasons are short. */
const MAX_ANSWER = 4_096;

/**
 * Built on undici's lowest layer: a request through `node:http` takes twice the processor time, one
 * through the built-in fetch several times. A connection carries one request at a time: behind one
 * that hangs no other waits.
 *
 * @param timeoutMs for the whole request, the wait for a connection included, in milliseconds
 * @param connections at most so many at a time
 */
export function createHttpPoster({
  url,
  timeoutMs,
  connections,
}: {
  readonly url: string;
  readonly timeoutMs: number;
  readonly connections: number;
}): HttpPoster {
  const address = new URL(url);
  const { origin, pathname, search } = address;
  const authorization = basicAuth(address);
  const path = `${pathname}${search}`;
  // One clock runs for the whole request: undici's own, for its parts, would only cost.
  const clocks = { headersTimeout: 0, bodyTimeout: 0, connectTimeout: timeoutMs };
  const pool = new Pool(origin, { connections, pipelining: 1, allowH2: false, ...clocks });

  const post: HttpPoster["post"] = (key, text, signal, traceparent) =>
    new Promise((resolve, reject) => {
      let controller: Dispatcher.DispatchController | undefined;
      let gaveUp: Error | undefined;
      let status = 0;
      let retryAfter: string | undefined;
      let length = 0;
      const parts: Buffer[] = [];

      const settled = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const giveUp = (reason: Error) => {
        gaveUp = reason;
        settled();
        reject(reason);
        controller?.abort(reason);
      };
      const onAbort = () => giveUp(signal?.reason);
      const timer = setTimeout(() => giveUp(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      signal?.addEventListener("abort", onAbort);

      const headers = ["content-type", "application/json", "idempotency-key", key, "accept", "application/json"];
      if (authorization !== undefined) {
        headers.push("authorization", authorization);
      }
      if (traceparent !== "") {
        headers.push("traceparent", traceparent);
      }
      pool.dispatch(
        { path, method: "POST", headers, body: text },
        {
          onRequestStart(started) {
            controller = started;
            if (gaveUp !== undefined) {
              // While it waited for a connection: nothing is sent.
              started.abort(gaveUp);
            }
          },
          onResponseStart(_controller, code, { "retry-after": after }) {
            status = code;
            retryAfter = typeof after === "string" ? after : after?.[0];
          },
          onResponseData(_controller, part) {
            if (length < MAX_ANSWER) {
              parts.push(part);
              length += part.length;
            }
          },
          onResponseEnd() {
            settled();
            resolve({ status, retryAfter, text: Buffer.concat(parts).toString() });
          },
          onResponseError(_controller, error) {
            settled();
            reject(error);
          },
        },
      );
    });

  return {
    post,
    close() {
      // What is under way ends with an error of its own.
      void pool.destroy();
    },
  };
}
