import { basicAuth, createPool } from "./http.ts";

/** A response of the legacy system, with any status. */
export interface LegacyResponse {
  /** The HTTP status. */
  readonly status: number;
  readonly text: string;
}

/** The system that this service replaces, which the shadow comparison reads from. */
export interface LegacySystem {
  /**
   * Rejects without a complete response in time, when it is too long, and when the signal is
   * aborted.
   *
   * @param path below the system's base URL
   * @param params the parameters of the caller
   */
  read(path: string, params: ReadonlyMap<string, string>, signal?: AbortSignal): Promise<LegacyResponse>;
  /** Closes all connections; requests in flight fail. */
  close(): Promise<void>;
}

/** Maximum number of requests in flight; others wait for a connection, within their time limit. */
const CONNECTIONS = 32;

/** Longest query in characters; longer parameters are sent as a form. */
const MAX_QUERY = 2_000;

/** Longest response that is compared, in bytes. */
const MAX_RESPONSE = 1_048_576;

const HEADERS = { accept: "*/*", "user-agent": "oms-shadow" };

/**
 * @param url the base URL, for example `http://old-oms:8080`; its path is kept
 * @param timeoutMs time limit of a request, the wait for a connection included, in milliseconds
 */
export function createLegacySystem({
  url,
  timeoutMs,
}: {
  readonly url: string;
  readonly timeoutMs: number;
}): LegacySystem {
  const parsed = new URL(url);
  const authorization = basicAuth(parsed);
  const headers = authorization === undefined ? HEADERS : { ...HEADERS, authorization };
  const base = parsed.pathname.replace(/\/+$/, "");
  const pool = createPool(parsed.origin, CONNECTIONS, timeoutMs);
  return {
    async read(path, params, signal) {
      signal?.throwIfAborted();
      const stop = new AbortController();
      const onAbort = () => stop.abort(signal?.reason);
      signal?.addEventListener("abort", onAbort);
      const timer = setTimeout(() => stop.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      try {
        const request = requestOf(`${base}${path}`, params, headers);
        const { statusCode, body } = await pool.request({ ...request, signal: stop.signal });
        return { status: statusCode, text: await readText(body) };
      } catch (error) {
        // Aborted, it fails with many errors: report the reason.
        throw stop.signal.aborted ? stop.signal.reason : error;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      }
    },
    close: () => pool.destroy(),
  };
}

function requestOf(path: string, params: ReadonlyMap<string, string>, common: Readonly<Record<string, string>>) {
  const form = [...params].map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  if (form.length > MAX_QUERY) {
    const headers = { ...common, "content-type": "application/x-www-form-urlencoded" };
    return { path, method: "POST", headers, body: form } as const;
  }
  return { path: form === "" ? path : `${path}?${form}`, method: "GET", headers: common } as const;
}

/** Encodes a blank as %20: some servers take a plus in a query literally. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    parts.push(part);
    length += part.length;
    if (length > MAX_RESPONSE) {
      throw new Error(`the response is longer than ${MAX_RESPONSE} bytes`);
    }
  }
  return Buffer.concat(parts).toString();
}
