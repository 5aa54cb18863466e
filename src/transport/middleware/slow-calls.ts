import type { Message } from "@bufbuild/protobuf";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Call } from "../call.ts";
import { type CommonRequestFields, orderIdOf } from "./request-fields.ts";

/** Maximum log lines per second and RPC. */
const LINES_PER_SECOND = 5;

/** A call that has ended. */
export interface CompletedCall {
  readonly rpc: string;
  readonly request: Message;
  readonly call: Call;
  readonly code: string;
  readonly durationMs: number;
}

/** Logs slow calls with a breakdown of their time. */
export function createSlowCallLogger(
  log: Logger,
  addressOf: (call: Call) => string,
): (completed: CompletedCall) => void {
  const lines = createLogLimiter(log, { message: "slow call", perSecond: LINES_PER_SECOND });
  return (completed) =>
    lines.write("warn", completed.rpc, () => ({
      ...lineOf(completed, performance.now()),
      address: addressOf(completed.call),
    }));
}

/** Times of the last change of a call, up to now where they have not ended. */
function lineOf({ rpc, request, call, code, durationMs }: CompletedCall, now: number): object {
  const { change } = call;
  const batch = change?.batch;
  const queueMs = change === undefined ? 0 : (batch?.startedAt ?? now) - change.enqueuedAt;
  const commitMs = batch === undefined ? 0 : (batch.answeredAt === 0 ? now : batch.answeredAt) - batch.startedAt;
  return {
    callId: call.callId,
    traceId: traceIdOf(call.traceparent),
    rpc,
    transport: call.transport,
    caller: call.caller,
    orderId: String(orderIdOf(request as CommonRequestFields)),
    code,
    durationMs: Math.round(durationMs),
    ...(change !== undefined && { queueMs: Math.round(queueMs) }),
    ...(batch !== undefined && {
      commitMs: Math.round(commitMs),
      commit: {
        size: batch.size,
        retries: batch.retries,
        connectMs: Math.round(batch.connectMs),
        readMs: Math.round(batch.readMs),
        writeMs: Math.round(batch.writeMs),
      },
    }),
    restMs: Math.round(durationMs - queueMs - commitMs),
  };
}
