import type { Logger } from "../observability/log.ts";
import { isSampled, traceIdOf } from "../observability/traceparent.ts";
import type { Span, Tracer } from "../observability/tracing.ts";
import { createHttpPoster, type HttpResponse } from "./http.ts";
import { retryAfterMs } from "./retry-after.ts";

/** What became of a request. */
export type Outcome =
  | { readonly kind: "done" }
  /** Not now: it may have arrived or not; the same again, with the same key, is right. */
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number }
  /** Never: a person has to look at it. */
  | { readonly kind: "reject"; readonly reason: string };

/** What became of a request, and what the neighbour said to it. */
export interface Reply {
  readonly outcome: Outcome;
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** The answer's JSON object; empty where it is none. */
  readonly body: JsonBody;
}

/** A body as JSON has it; 64-bit ids as strings. */
export type JsonBody = { readonly [name: string]: unknown };

/** On whose behalf a request is made. */
export interface CallOptions {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
  /** The span that the request belongs to; "" where nothing is traced. */
  readonly traceparent?: string;
}

/** A neighbouring system that takes POSTs. */
export interface ExternalClient {
  /** @param key goes along as `idempotency-key`: the neighbour does once what it gets twice */
  post(key: string, body: JsonBody, errand?: CallOptions): Promise<Outcome>;
  /** The same, for a neighbour whose answer says something. */
  send(key: string, body: JsonBody, errand?: CallOptions): Promise<Reply>;
  /** Closes the connections that are kept open. */
  close(): void;
}

/** What the neighbours' contract takes for "try again", besides 5xx. */
const TRY_AGAIN: readonly number[] = [408, 425, 429];

/**
 * A client for one address, over connections that stay open.
 *
 * @param timeoutMs for the whole request, in milliseconds
 * @param connections at most so many at a time
 */
export function createExternalClient({
  name,
  url,
  timeoutMs,
  log,
  tracer,
  connections = 64,
}: {
  /** As it is to be called in logs and reasons. */
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  readonly log: Logger;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  readonly connections?: number;
}): ExternalClient {
  const exchange = createHttpPoster({ url, timeoutMs, connections });

  const { hostname, port, protocol } = new URL(url);
  const attributes = {
    "http.request.method": "POST",
    "server.address": hostname,
    "server.port": Number(port) || (protocol === "https:" ? 443 : 80),
    "peer.service": name,
  };

  const begin = (key: string, parent: string): Span | undefined =>
    tracer && isSampled(parent)
      ? tracer.start(`POST ${name}`, {
          kind: "client",
          parent,
          attributes: { ...attributes, "oms.idempotency_key": key },
        })
      : undefined;

  const ask: ExternalClient["send"] = async (key, body, { signal, traceparent = "" } = {}) => {
    const span = begin(key, traceparent);
    const said = await exchange.post(key, JSON.stringify(body), signal, span?.traceparent ?? traceparent).then(
      (answer): Reply => ({
        outcome: judge(name, answer),
        status: answer.status,
        body: objectIn(answer.text),
      }),
      (error): Reply => ({ outcome: { kind: "retry", reason: `${name}: ${reasonOf(error)}` }, status: 0, body: {} }),
    );
    const { outcome } = said;
    if (outcome.kind !== "done") {
      // Neither the body nor the whole answer: both may hold personal data.
      const about = { neighbour: name, key, traceId: traceIdOf(traceparent) };
      log.debug({ ...about, result: outcome.kind, reason: outcome.reason }, "a neighbour did not do it");
      span?.fail(outcome.reason);
    }
    if (said.status !== 0) {
      span?.set({ "http.response.status_code": said.status });
    }
    span?.end();
    return said;
  };

  return {
    send: ask,
    post: async (key, body, errand) => (await ask(key, body, errand)).outcome,
    close: exchange.close,
  };
}

function judge(name: string, { status, retryAfter, text }: HttpResponse): Outcome {
  if (status >= 200 && status < 300) {
    return { kind: "done" };
  }
  const said = saidIn(text);
  const reason = `${name} answered ${status}${said === "" ? "" : `: ${said}`}`;
  if (status < 500 && !TRY_AGAIN.includes(status)) {
    return { kind: "reject", reason };
  }
  const afterMs = retryAfterMs(retryAfter, Date.now());
  return afterMs === undefined ? { kind: "retry", reason } : { kind: "retry", reason, afterMs };
}

/** The `reason` of a JSON answer, else nothing: other texts may be whole pages. */
function saidIn(text: string): string {
  const { reason } = objectIn(text);
  return typeof reason === "string" ? reason.slice(0, 200) : "";
}

function objectIn(text: string): JsonBody {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as JsonBody) : {};
  } catch {
    return {};
  }
}

/** The system's code where it is one (ECONNREFUSED), else the words. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  return typeof code === "string" && code.startsWith("E") ? code : (message ?? String(error));
}
