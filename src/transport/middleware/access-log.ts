import type { Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { CallRecord } from "../../application/call-record.ts";
import { createCallTally, type RpcTally } from "../../observability/call-tally.ts";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Call, Handler, Interceptor, Transport } from "../call.ts";
import { grpcCodeName } from "../code-name.ts";
import { clientDisconnected } from "./in-flight.ts";
import { type CommonRequestFields, orderIdOf } from "./request-fields.ts";
import { createSlowCallLogger } from "./slow-calls.ts";

/** Lines in the log of each kind, a second. */
const LINES_PER_SECOND = 50;

export interface AccessLogDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The table of changing calls. Takes a row and returns at once. */
  readonly requestLog: { write(row: CallRecord): void };
  /** A unary call that takes longer, in milliseconds, has a line of its own; Infinity: none is too long. */
  readonly slowMs: number;
}

/**
 * Keeps what became of each call: a metric; a line in the log (debug for OK, so that full load costs nothing, info for a caller's
 * mistake, warn for what the server could not do in time); a row in the request log table for a call that may change something, and for
 * every call that came by an old address, so that one sees who still uses it.
 */
export const accessLog = ({ log, metrics, requestLog, slowMs }: AccessLogDeps): Interceptor => {
  const tellSlow = createSlowCallLogger(log);
  const lines = createLogLimiter(log, { message: "call", perSecond: LINES_PER_SECOND });
  const tallyOf = createCallTally(metrics);
  return (next, rpc) => {
    const name = rpc.method.name;
    const observe = observerOf(metrics, name);
    const tally = tallyOf(name);
    const ended = (request: Message, call: Call, begin: number, error: unknown) => {
      const code = error === undefined ? "OK" : grpcCodeName(ConnectError.from(error).code);
      const durationMs = performance.now() - begin;
      observe(call.front, code, durationMs / 1000);
      tally.end(call.caller, code, durationMs / 1000);
      if (code !== "OK" || log.isLevelEnabled("debug")) {
        lines.write(levelOf(code), code, () => lineOf(name, request, call, code, durationMs, error));
      }
      if (durationMs > slowMs && !rpc.streams) {
        tellSlow({ rpc: name, request, call, code, durationMs });
      }
      if (rpc.changes || call.oldMethod !== "") {
        requestLog.write(rowOf(name, request as CommonRequestFields, call, code, durationMs));
      }
    };
    return rpc.streams ? recordStream(next, metrics, tally, ended) : recordUnary(next, tally, ended);
  };
};

type Ended = (request: Message, call: Call, begin: number, error: unknown) => void;

function recordUnary(next: Handler, tally: RpcTally, ended: Ended): Handler {
  return async (request, call) => {
    const begin = performance.now();
    tally.begin();
    try {
      const answer = await (next(request, call) as Promise<Message>);
      ended(request, call, begin, undefined);
      return answer;
    } catch (error) {
      ended(request, call, begin, error);
      throw error;
    }
  };
}

function recordStream(next: Handler, { watchers }: Metrics, tally: RpcTally, ended: Ended): Handler {
  return async function* (request, call) {
    const begin = performance.now();
    let outcome: unknown = clientDisconnected();
    watchers.inc();
    tally.begin();
    try {
      yield* next(request, call) as AsyncIterable<Message>;
      outcome = undefined;
    } catch (error) {
      outcome = error;
      throw error;
    } finally {
      watchers.dec();
      ended(request, call, begin, outcome);
    }
  };
}

const LEVELS: Readonly<Record<string, "debug" | "warn" | "error">> = {
  OK: "debug",
  CANCELLED: "debug",
  RESOURCE_EXHAUSTED: "warn",
  DEADLINE_EXCEEDED: "warn",
  UNAVAILABLE: "warn",
  INTERNAL: "error",
  UNKNOWN: "error",
};

const levelOf = (code: string) => LEVELS[code] ?? "info";

/** The metric's children are kept: looking one up by its labels costs more than counting in it. */
function observerOf({ rpcDuration }: Metrics, rpc: string): (front: Transport, code: string, seconds: number) => void {
  const children = new Map<string, { observe(seconds: number): void }>();
  return (front, code, seconds) => {
    const key = front + code;
    let child = children.get(key);
    if (child === undefined) {
      child = rpcDuration.labels(rpc, front, code);
      children.set(key, child);
    }
    child.observe(seconds);
  };
}

function lineOf(rpc: string, request: Message, call: Call, code: string, durationMs: number, error: unknown) {
  return {
    callId: call.callId,
    traceId: traceIdOf(call.traceparent),
    rpc,
    ...(call.oldMethod === "" ? {} : { oldMethod: call.oldMethod }),
    front: call.front,
    caller: call.caller,
    orderId: String(orderIdOf(request as CommonRequestFields)),
    durationMs: Math.round(durationMs * 1000) / 1000,
    code,
    ...(error instanceof ConnectError ? { error: error.rawMessage } : {}),
    ...(code === "UNAVAILABLE" ? { cause: rootOf(error) } : {}),
  };
}

/** What is behind an outage, which the caller is not told: the driver's own words. */
function rootOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? rootOf(error.cause) : String(error);
}

/** A refused request may hold anything; the table's columns do not. */
function rowOf(rpc: string, request: CommonRequestFields, call: Call, code: string, durationMs: number): CallRecord {
  const orderId = orderIdOf(request);
  return {
    callId: call.callId,
    rpc,
    legacyMethod: call.oldMethod,
    caller: call.caller,
    operator: (request.operator ?? "").slice(0, 64).toWellFormed(),
    orderId: orderId > 0n ? orderId : 0n,
    requestId: (request.requestId ?? "").slice(0, 128).toWellFormed(),
    code,
    durationMs,
    recordTime: new Date(),
    traceparent: call.traceparent,
  };
}
