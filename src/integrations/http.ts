import { type Dispatcher, Pool } from "undici";

/** An HTTP response with any status. */
export interface HttpResponse {
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
  /** The beginning of the body. */
  readonly text: string;
}

/** Posts JSON bodies to one URL. */
export interface HttpPoster {
  /**
   * Rejects without a complete response in time, and when the signal is aborted.
   *
   * @param text the body
   * @param traceparent the header of that name; "" for none
   */
  post(key: string, text: string, signal: AbortSignal | undefined, traceparent: string): Promise<HttpResponse>;
  /** Closes all connections; requests in flight fail. */
  close(): void;
}

/** Bytes of a response that are kept: reasons are short. */
const MAX_RESPONSE = 4_096;

/**
 * Uses undici's lowest layer: a request through `node:http` takes twice the processor time, one
 * through the built-in fetch several times. A connection carries one request at a time, so that one
 * that hangs delays no other.
 *
 * @param timeoutMs time limit of a request, the wait for a connection included, in milliseconds
 * @param connections maximum number of connections
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
  const parsed = new URL(url);
  const path = `${parsed.pathname}${parsed.search}`;
  const authorization = basicAuth(parsed);
  const pool = createPool(parsed.origin, connections, timeoutMs);

  const post: HttpPoster["post"] = (key, text, signal, traceparent) =>
    new Promise((resolve, reject) => {
      let controller: Dispatcher.DispatchController | undefined;
      let failure: Error | undefined;
      let status = 0;
      let retryAfter: string | undefined;
      let length = 0;
      const parts: Buffer[] = [];

      const cleanUp = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const fail = (reason: Error) => {
        failure = reason;
        cleanUp();
        reject(reason);
        controller?.abort(reason);
      };
      const onAbort = () => fail(signal?.reason);
      const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
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
            if (failure !== undefined) {
              // It failed while it waited for a connection: nothing is sent.
              started.abort(failure);
            }
          },
          onResponseStart(_controller, code, { "retry-after": after }) {
            status = code;
            retryAfter = typeof after === "string" ? after : after?.[0];
          },
          onResponseData(_controller, part) {
            if (length < MAX_RESPONSE) {
              parts.push(part);
              length += part.length;
            }
          },
          onResponseEnd() {
            cleanUp();
            resolve({ status, retryAfter, text: Buffer.concat(parts).toString() });
          },
          onResponseError(_controller, error) {
            cleanUp();
            reject(error);
          },
        },
      );
    });

  return { post, close: () => void pool.destroy() };
}

/**
 * A connection pool without undici's own timers for parts of a request: callers limit the whole.
 */
export function createPool(origin: string, connections: number, connectTimeout: number): Pool {
  const timeouts = { headersTimeout: 0, bodyTimeout: 0, connectTimeout };
  return new Pool(origin, { connections, pipelining: 1, allowH2: false, ...timeouts });
}

/** The header `authorization` for the user and password of a URL; undefined where it has none. */
export function basicAuth({ username, password }: URL): string | undefined {
  if (username === "" && password === "") {
    return undefined;
  }
  const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(plain).toString("base64")}`;
}

/** Longest `Retry-After` that is respected, in milliseconds. */
const MAX_RETRY_AFTER_MS = 3_600_000;

/**
 * The delay of a `Retry-After` header, in seconds or as an HTTP date, in milliseconds from now;
 * undefined where it has no valid one.
 *
 * @param now milliseconds since 1970
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined || header.trim() === "") {
    return undefined;
  }
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS) : undefined;
}
