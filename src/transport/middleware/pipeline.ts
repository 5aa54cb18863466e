import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { Tracer } from "../../observability/tracing.ts";
import type { Auth } from "../auth/index.ts";
import type { Handler, Interceptor, Rpc } from "../call.ts";
import type { HandlersOf } from "../handlers/types.ts";
import type { CallerLimits } from "../rate-limits/index.ts";
import { type AccessLogDeps, accessLog } from "./access-log.ts";
import { authenticate } from "./authenticate.ts";
import { deadline } from "./deadline.ts";
import type { InFlight } from "./in-flight.ts";
import { mapErrors } from "./map-errors.ts";
import { rateLimit } from "./rate-limit.ts";
import { traceCall } from "./trace-call.ts";
import { readTraceContext } from "./trace-context.ts";
import { trustCallerHeader } from "./trust-caller-header.ts";
import { validate } from "./validate.ts";

export interface PipelineDeps extends AccessLogDeps {
  readonly openCalls: InFlight;
  /** Undefined: nothing is traced. */
  readonly tracer: Tracer | undefined;
  /** Proves callers; undefined: their word is taken. */
  readonly auth: Auth | undefined;
  /** Undefined: callers may use as much as there is. */
  readonly limits: CallerLimits | undefined;
  /** What a unary call may take at most, in milliseconds. */
  readonly deadlineCapMs: number;
}

/**
 * What every call goes through, on every front, outermost first. The log and the errors stand outside of the checks, so that a call
 * that a check refuses is answered and kept like any other.
 */
export const pipeline = (deps: PipelineDeps): readonly Interceptor[] => [
  deps.openCalls.interceptor,
  readTraceContext,
  ...(deps.tracer === undefined ? [] : [traceCall(deps.tracer)]),
  accessLog(deps),
  mapErrors(deps.log),
  deadline(deps.deadlineCapMs),
  deps.auth === undefined ? trustCallerHeader : authenticate(deps.auth),
  ...(deps.limits === undefined ? [] : [rateLimit(deps.limits, deps.metrics)]),
  validate,
];

/** An RPC with its pipeline around it: all that a front needs to serve it. */
export interface Route {
  readonly rpc: Rpc;
  readonly handle: Handler;
}

/** The routes of a service. */
export function createRoutes<Service extends DescService>(
  service: Service,
  handlers: HandlersOf<Service>,
  interceptors: readonly Interceptor[],
): readonly Route[] {
  return service.methods.map((method) => {
    const rpc = rpcOf(method);
    const handler = handlers[method.localName as keyof HandlersOf<Service>] as unknown as Handler;
    return { rpc, handle: interceptors.reduceRight((next, intercept) => intercept(next, rpc), handler) };
  });
}

function rpcOf(method: DescMethod): Rpc {
  return {
    method,
    streams: method.methodKind === "server_streaming",
    changes: method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
  };
}
