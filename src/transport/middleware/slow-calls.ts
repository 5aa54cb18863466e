import type { Message } from "@bufbuild/protobuf";
import type { Logger } from "../../observability/log.ts";
import { createLogLimiter } from "../../observability/log-limiter.ts";
import { traceIdOf } from "../../observability/traceparent.ts";
import type { Call } from "../call.ts";
import { type CommonRequestFields, orderIdOf } from "./request-fields.ts";

/** Lines of slow calls of one RPC, a second. */
const LINES_PER_SECOND = 5;

/** A call that has ended. */
export interface CompletedCall {
  readonly rpc: string;
  readonly request: Message;
  readonly call: Call;
  readonly code: string;
  readonly durationMs: number;
}

/** Tells of a call that took too long, with where its time went. */
export function createSlowCallLogger(log: Logger): (ended: CompletedCall) => void {
  const lines = createLogLimiter(log, { message: "slow call", perSecond: LINES_PER_SECOND });
  return (ended) => lines.write("warn", ended.rpc, () => lineOf(ended, performance.now()));
}

/** Of a call with several changes the last one is told. What has not ended by now has its time until now. */
function lineOf({ rpc, request, call, code, durationMs }: CompletedCall, now: number): object {
  const { change } = call;
  const batch = change?.batch;
  const queueMs = change === undefined ? 0 : (batch?.startedAt ?? now) - change.enqueuedAt;
  const commitMs = batch === undefined ? 0 : (batch.answeredAt === 0 ? now : batch.answeredAt) - batch.startedAt;
  return {
    callId: call.callId,
    traceId: traceIdOf(call.traceparent),
    rpc,
    front: call.front,
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
