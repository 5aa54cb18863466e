import type { Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { CallRecord } from "../../application/context.ts";
import { createCallTally, type RpcTally } from "../../observability/call-tally.ts";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import type { Metrics } from "../../observability/metrics.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import { withoutUnprintable } from "../../observability/unprintable.ts";
import type { Call, Handler, Interceptor, Transport } from "../call.ts";
import { type ClientAddress, createClientAddress } from "../connections/client-address.ts";
import { grpcCodeName } from "../wire/errors.ts";
import { clientDisconnected } from "./in-flight.ts";
import { type CommonRequestFields, orderIdOf } from "./request-fields.ts";
import { createSlowCallLogger } from "./slow-calls.ts";

/** Maximum log lines per second and code. */
const LINES_PER_SECOND = 50;

export interface AccessLogDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** The request log table. Takes a row without waiting. */
  readonly requestLog: { write(row: CallRecord): void };
  /**
   * Threshold of slow unary calls, in milliseconds: they have a log line of their own. Infinity:
   * off.
   */
  readonly slowMs: number;
  /** Default: the address of the connection. */
  readonly clientAddress?: ClientAddress;
}

/**
 * Records the outcome of each call: in metrics; in the log (debug for OK, so that it costs nothing
 * under load; info for a caller's mistake; warn for what the server could not do in time); and in
 * the request log table if the RPC has side effects, or a legacy endpoint was used, to see who
 * still uses it. The duration counts from the headers, so it includes the arrival of the request.
 */
export const accessLog = ({
  log,
  metrics,
  requestLog,
  slowMs,
  clientAddress = createClientAddress([]),
}: AccessLogDeps): Interceptor => {
  const addressOf = (call: Call) => clientAddress(call.peer, call.header("x-forwarded-for"));
  const logSlowCall = createSlowCallLogger(log, addressOf);
  const lines = createLogLimiter(log, { message: "call", perSecond: LINES_PER_SECOND });
  const tallyOf = createCallTally(metrics);
  return (next, rpc) => {
    const name = rpc.method.name;
    const observe = observerOf(metrics, name);
    const tally = tallyOf(name);
    const onEnd = (request: Message, call: Call, error: unknown) => {
      const code = error === undefined ? "OK" : grpcCodeName(ConnectError.from(error).code);
      const durationMs = performance.now() - call.startedAt;
      observe(call.transport, code, durationMs / 1000);
      tally.end(call.caller, code, durationMs / 1000);
      if (code !== "OK" || log.isLevelEnabled("debug")) {
        lines.write(levelOf(code), code, () => ({
          ...lineOf(name, request, call, code, durationMs, error),
          ...(code !== "OK" && { address: addressOf(call) }),
        }));
      }
      if (durationMs > slowMs && !rpc.streaming) {
        logSlowCall({ rpc: name, request, call, code, durationMs });
      }
      if (rpc.hasSideEffects || call.legacyMethod !== "") {
        requestLog.write(rowOf(name, request as CommonRequestFields, call, code, durationMs));
      }
    };
    return rpc.streaming ? recordStream(next, metrics, tally, onEnd) : recordUnary(next, tally, onEnd);
  };
};

type OnEnd = (request: Message, call: Call, error: unknown) => void;

function recordUnary(next: Handler, tally: RpcTally, onEnd: OnEnd): Handler {
  return async (request, call) => {
    tally.begin();
    try {
      const response = await (next(request, call) as Promise<Message>);
      onEnd(request, call, undefined);
      return response;
    } catch (error) {
      onEnd(request, call, error);
      throw error;
    }
  };
}

function recordStream(next: Handler, { watchers }: Metrics, tally: RpcTally, onEnd: OnEnd): Handler {
  return async function* (request, call) {
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
      onEnd(request, call, outcome);
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

/** Caches the children of the metric: a look-up by labels costs more than the observation. */
function observerOf(
  { rpcDuration }: Metrics,
  rpc: string,
): (transport: Transport, code: string, seconds: number) => void {
  const children = new Map<string, { observe(seconds: number): void }>();
  return (transport, code, seconds) => {
    const key = transport + code;
    let child = children.get(key);
    if (child === undefined) {
      child = rpcDuration.labels(rpc, transport, code);
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
    ...(call.legacyMethod === "" ? {} : { legacyMethod: call.legacyMethod }),
    transport: call.transport,
    caller: call.caller,
    orderId: String(orderIdOf(request as CommonRequestFields)),
    durationMs: Math.round(durationMs * 1000) / 1000,
    code,
    ...(error instanceof ConnectError ? { error: error.rawMessage } : {}),
    ...(code === "UNAVAILABLE" ? { cause: rootCause(error) } : {}),
  };
}

/** The driver's message behind an outage, which is not disclosed to the caller. */
function rootCause(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : String(error);
}

/** Fits the texts of a rejected request, which are not validated, to the table's columns. */
function rowOf(rpc: string, request: CommonRequestFields, call: Call, code: string, durationMs: number): CallRecord {
  const orderId = orderIdOf(request);
  return {
    callId: call.callId,
    rpc,
    legacyMethod: call.legacyMethod,
    caller: call.caller,
    operator: storable(request.operator, 64),
    authenticatedOperator: call.authenticatedOperator,
    orderId: orderId > 0n ? orderId : 0n,
    requestId: storable(request.requestId, 128),
    code,
    durationMs,
    recordTime: new Date(),
    traceparent: call.traceparent,
  };
}

const storable = (text = "", maxLength: number): string => withoutUnprintable(text.slice(0, maxLength)).toWellFormed();
