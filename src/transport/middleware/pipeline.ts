import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { Tracer } from "../../observability/tracing.ts";
import type { Auth } from "../auth/index.ts";
import type { Admit, Handler, Interceptor, Rpc } from "../call.ts";
import type { HandlersOf } from "../handlers/types.ts";
import type { CallerLimits } from "../rate-limits/index.ts";
import { requestLimits } from "../wire/request-limits.ts";
import { compileRules } from "../wire/validation.ts";
import { type AccessLogDeps, accessLog } from "./access-log.ts";
import { admitted, createAdmission, createAuthentication, type LoadShedding, shedLoad } from "./admission.ts";
import { deadline } from "./deadline.ts";
import type { InFlight } from "./in-flight.ts";
import { mapErrors } from "./map-errors.ts";
import { proveConnection } from "./prove-connection.ts";
import { rateLimit } from "./rate-limit.ts";
import { readTraceContext, traceCall } from "./trace-call.ts";
import { validate } from "./validate.ts";

export interface PipelineDeps extends AccessLogDeps {
  readonly inFlight: InFlight;
  readonly loadShedding: LoadShedding;
  /** Undefined: no tracing. */
  readonly tracer: Tracer | undefined;
  /** Undefined: callers name themselves. */
  readonly auth: Auth | undefined;
  /** Undefined: no limits per caller. */
  readonly limits: CallerLimits | undefined;
  /** Maximum duration of a unary call, in milliseconds. */
  readonly deadlineCapMs: number;
}

/** What every call passes through, on every transport. */
export interface Pipeline {
  /** Before its request is read. */
  readonly admission: (rpc: Rpc) => Admit;
  /** The same where the RPC is not known yet: without authorization. */
  readonly authentication: Admit;
  /** With its request, outermost first. */
  readonly interceptors: readonly Interceptor[];
}

/**
 * Access log and error mapping enclose the checks, so that calls that were not admitted are logged
 * and answered like any other.
 */
export const pipeline = (deps: PipelineDeps): Pipeline => ({
  admission: createAdmission(deps.auth, deps.loadShedding),
  authentication: createAuthentication(deps.auth),
  interceptors: [
    shedLoad(deps.loadShedding),
    deps.inFlight.interceptor,
    readTraceContext,
    ...(deps.tracer === undefined ? [] : [traceCall(deps.tracer)]),
    accessLog(deps),
    mapErrors(deps.log),
    deadline(deps.deadlineCapMs),
    admitted,
    ...(deps.limits === undefined ? [] : [rateLimit(deps.limits, deps.metrics)]),
    validate,
    proveConnection,
  ],
});

/** An RPC with its admission and its handler: all that a transport needs to serve it. */
export interface Route {
  readonly rpc: Rpc;
  /** Called before the request is read. */
  readonly admit: Admit;
  /** Called instead where the RPC is not known yet: authenticates the caller alone. */
  readonly authenticate: Admit;
  /**
   * The handler, wrapped in the pipeline. For a call that was not admitted the request is an empty
   * message.
   */
  readonly handle: Handler;
}

/** The routes of a service. */
export function createRoutes<Service extends DescService>(
  service: Service,
  handlers: HandlersOf<Service>,
  { admission, authentication, interceptors }: Pipeline,
): readonly Route[] {
  return service.methods.map((method) => {
    const rpc = toRpc(method);
    // The first request of an RPC would delay all others.
    compileRules(method.input);
    const handler = handlers[method.localName as keyof HandlersOf<Service>] as unknown as Handler;
    return {
      rpc,
      admit: admission(rpc),
      authenticate: authentication,
      handle: interceptors.reduceRight((next, intercept) => intercept(next, rpc), handler),
    };
  });
}

function toRpc(method: DescMethod): Rpc {
  return {
    method,
    streaming: method.methodKind === "server_streaming",
    maxRequestBytes: requestLimits(method.input).maxBytes,
    hasSideEffects: method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS,
  };
}
