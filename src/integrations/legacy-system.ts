import { Pool } from "undici";
import { basicAuth } from "./basic-auth.ts";

/** What the old system answered, whatever it says. */
export interface LegacyResponse {
  /** The HTTP status. */
  readonly status: number;
  readonly text: string;
}

/** The system that this service replaces, as far as it is asked what it would have answered. */
export interface LegacySystem {
  /**
   * Rejects when there is no whole answer in time, when it is too long, and when the signal says
   * so.
   *
   * @param path below the old system's base
   * @param given the parameters, as the caller gave them
   */
  read(path: string, given: ReadonlyMap<string, string>, signal?: AbortSignal): Promise<LegacyResponse>;
  /** Closes the connections; what is under way ends with an error. */
  close(): Promise<void>;
}

/** So many requests are under way at most; the others wait for a connection, within their time. */
const CONNECTIONS = 32;

/** Characters of a query that every server takes; more parameters go as a form. */
const MAX_QUERY = 2_000;

/** Bytes of an answer that are worth comparing. */
const MAX_ANSWER = 1_048_576;

/**
 * A client for the old system, over connections that stay open.
 *
 * @param url its base, for example `http://old-oms:8080`; a path in it is kept
 * @param timeoutMs for the whole request, the wait for a connection included, in milliseconds
 */
export function createLegacySystem({
  url,
  timeoutMs,
}: {
  readonly url: string;
  readonly timeoutMs: number;
}): LegacySystem {
  const address = new URL(url);
  const { origin, pathname } = address;
  const authorization = basicAuth(address);
  const base = pathname.replace(/\/+$/, "");
  // One clock runs for the whole request.
  const clocks = { headersTimeout: 0, bodyTimeout: 0, connectTimeout: timeoutMs };
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1, allowH2: false, ...clocks });
  return {
    async read(path, given, signal) {
      signal?.throwIfAborted();
      const stop = new AbortController();
      const onAbort = () => stop.abort(signal?.reason);
      signal?.addEventListener("abort", onAbort);
      const timer = setTimeout(() => stop.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      try {
        const { statusCode, body } = await pool.request({
          ...requestOf(`${base}${path}`, given, authorization === undefined ? HEADERS : { ...HEADERS, authorization }),
          signal: stop.signal,
        });
        return { status: statusCode, text: await textOf(body) };
      } catch (error) {
        // Whatever broke because of it.
        throw stop.signal.aborted ? stop.signal.reason : error;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      }
    },
    close: () => pool.destroy(),
  };
}

const HEADERS = { accept: "*/*", "user-agent": "oms-shadow" };

function requestOf(path: string, given: ReadonlyMap<string, string>, common: Readonly<Record<string, string>>) {
  const form = [...given].map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  if (form.length > MAX_QUERY) {
    const headers = { ...common, "content-type": "application/x-www-form-urlencoded" };
    return { path, method: "POST", headers, body: form } as const;
  }
  return { path: form === "" ? path : `${path}?${form}`, method: "GET", headers: common } as const;
}

/** A blank as %20: some servers take a plus in a query for what it is. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of body) {
    parts.push(part);
    length += part.length;
    if (length > MAX_ANSWER) {
      throw new Error(`its answer is longer than ${MAX_ANSWER} bytes`);
    }
  }
  return Buffer.concat(parts).toString();
}
