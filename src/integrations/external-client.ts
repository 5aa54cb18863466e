import { errorMessage } from "../lib/error-message.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { redactPersonalValues } from "../observability/redaction.ts";
import { isSampled, traceIdOf } from "../observability/traceparent.ts";
import type { Span, Tracer } from "../observability/tracing.ts";
import { withoutUnprintable } from "../observability/unprintable.ts";
import { createHttpPoster, type HttpResponse, retryAfterMs } from "./http.ts";

/** How a request ended. */
export type Outcome =
  | { readonly kind: "done" }
  /** Failed for now. It may have arrived: repeat it with the same key, after at least `afterMs`. */
  | { readonly kind: "retry"; readonly reason: string; readonly afterMs?: number }
  /** Refused permanently: an operator has to decide. */
  | { readonly kind: "reject"; readonly reason: string };

/** How a request ended, and what the system answered. */
export interface Reply {
  readonly outcome: Outcome;
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** The answer's JSON object; empty where it is none. */
  readonly body: JsonBody;
}

/** A JSON object; 64-bit ids are strings. */
export type JsonBody = { readonly [name: string]: unknown };

export interface CallOptions {
  /** Cancels the request. */
  readonly signal?: AbortSignal;
  /** The span that the request belongs to; "" where nothing is traced. */
  readonly traceparent?: string;
}

/** Sends requests to one URL of an external system. */
export interface ExternalClient {
  /**
   * Posts a JSON body. Never rejects: a failure is an outcome.
   *
   * @param key sent as `idempotency-key`: the system carries a repeated key out once
   */
  send(key: string, body: JsonBody, options?: CallOptions): Promise<Reply>;
  /** Closes the open connections. */
  close(): void;
}

export interface ExternalClientOptions {
  /** The system's name in logs, spans, reasons and metrics. */
  readonly name: string;
  readonly url: string;
  /** Time limit of a request, in milliseconds, the wait for a connection included. */
  readonly timeoutMs: number;
  readonly log: Logger;
  /** Undefined: nothing is measured. */
  readonly metrics?: Pick<Metrics, "externalRequestDuration"> | undefined;
  /** Undefined: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Maximum number of connections. */
  readonly connections?: number;
}

/** Statuses below 500 that ask for a retry. */
const RETRYABLE: readonly number[] = [408, 425, 429];

/** Characters of a reason that are kept. */
const MAX_REASON = 200;

export function createExternalClient({
  name,
  url,
  timeoutMs,
  log,
  metrics,
  tracer,
  connections = 64,
}: ExternalClientOptions): ExternalClient {
  const poster = createHttpPoster({ url, timeoutMs, connections });
  const { hostname, port, protocol } = new URL(url);
  const attributes = {
    "http.request.method": "POST",
    "server.address": hostname,
    "server.port": Number(port) || (protocol === "https:" ? 443 : 80),
    "peer.service": name,
  };

  const startSpan = (key: string, parent: string): Span | undefined =>
    tracer && isSampled(parent)
      ? tracer.start(`POST ${name}`, {
          kind: "client",
          parent,
          attributes: { ...attributes, "oms.idempotency_key": key },
        })
      : undefined;

  const post = async (key: string, body: JsonBody, signal: AbortSignal | undefined, traceparent: string) => {
    try {
      const response = await poster.post(key, JSON.stringify(body), signal, traceparent);
      return { outcome: outcomeOf(name, body, response), status: response.status, body: parseObject(response.text) };
    } catch (error) {
      return { outcome: { kind: "retry", reason: `${name}: ${errorMessage(error)}` }, status: 0, body: {} } as const;
    }
  };

  return {
    async send(key, body, { signal, traceparent = "" } = {}) {
      const start = performance.now();
      const span = startSpan(key, traceparent);
      const reply: Reply = await post(key, body, signal, span?.traceparent ?? traceparent);
      const { outcome, status } = reply;
      metrics?.externalRequestDuration.observe(
        { system: name, result: outcome.kind },
        (performance.now() - start) / 1_000,
      );
      if (outcome.kind !== "done") {
        // Neither the request's body nor the whole answer is logged: both may hold personal data.
        const fields = { system: name, key, traceId: traceIdOf(traceparent), result: outcome.kind };
        log.debug({ ...fields, reason: outcome.reason }, "request to external system failed");
        span?.fail(outcome.reason);
      }
      if (status !== 0) {
        span?.set({ "http.response.status_code": status });
      }
      span?.end();
      return reply;
    },
    close: poster.close,
  };
}

function outcomeOf(name: string, request: JsonBody, { status, retryAfter, text }: HttpResponse): Outcome {
  if (status >= 200 && status < 300) {
    return { kind: "done" };
  }
  const { reason: given } = parseObject(text);
  // Only the `reason` of a JSON answer, as other texts may be whole pages; without personal data of
  // the request that it quotes.
  const shown = typeof given === "string" ? redactPersonalValues(given, request).slice(0, MAX_REASON) : "";
  const reason = `${name} answered ${status}${shown === "" ? "" : `: ${withoutUnprintable(shown)}`}`;
  if (status < 500 && !RETRYABLE.includes(status)) {
    return { kind: "reject", reason };
  }
  const afterMs = retryAfterMs(retryAfter, Date.now());
  return afterMs === undefined ? { kind: "retry", reason } : { kind: "retry", reason, afterMs };
}

/** The reason in a refusal's body. */
export function refusalReason({ reason }: JsonBody): string {
  return typeof reason === "string" && reason !== ""
    ? withoutUnprintable(reason.slice(0, MAX_REASON))
    : "no reason given";
}

function parseObject(text: string): JsonBody {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as JsonBody) : {};
  } catch {
    return {};
  }
}
