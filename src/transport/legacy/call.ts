import { create, type Message } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { type FieldViolation, OperationError } from "../../application/errors.ts";
import { createCall, NEVER_ABORTED } from "../call.ts";
import type { Peer } from "../connections/peer.ts";
import type { Route } from "../middleware/pipeline.ts";
import { CALLER_HEADER } from "../middleware/trust-caller-header.ts";
import type { LegacyCaller } from "./callers.ts";
import type { LegacyAnswer, LegacyMethod } from "./methods.ts";
import { parseParameters, withLegacyName } from "./parameters.ts";
import type { Params } from "./params.ts";

/** A call of a legacy method over HTTP or SOAP. */
export interface LegacyCall {
  readonly caller: LegacyCaller;
  readonly peer: Peer;
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** The parameters, or why they cannot be read. */
  readonly params: Params | OperationError;
}

export type LegacyOutcome = Answered | Failed;

interface Ended {
  readonly callId: string;
  readonly caller: string;
  /** The order in the request; 0 if there is none. */
  readonly orderId: bigint;
}

export interface Answered extends Ended {
  readonly kind: "answered";
  readonly answer: LegacyAnswer;
}

export interface Failed extends Ended {
  readonly kind: "failed";
  readonly code: Code;
  /** With the legacy names of parameters. */
  readonly message: string;
  /** Undefined if a retry does not help. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Calls the RPC behind a legacy method through the same pipeline as all other calls: validation,
 * request log, metrics, deadline and drain are the same.
 */
export async function callLegacyMethod(method: LegacyMethod, route: Route, call: LegacyCall): Promise<LegacyOutcome> {
  const { caller, params } = call;
  const { fields, violations } =
    params instanceof OperationError ? { fields: {}, violations: [] } : parseParameters(method.parameters, params);
  const malformed = params instanceof OperationError ? params : violations.length > 0 ? invalid(violations) : undefined;
  const { input } = method.rpc;
  const operator = "operator" in input.field ? { operator: caller.name } : {};
  const request: Message = create(input, malformed === undefined ? { ...operator, ...fields } : {});
  const rpcCall = createCall({
    transport: "legacy",
    legacyMethod: method.name,
    peer: call.peer,
    authenticatedName: caller.authenticatedName,
    header: (name) => (name === CALLER_HEADER ? caller.name : call.header(name)),
    deadline: undefined,
    signal: NEVER_ABORTED,
    malformed,
  });
  // Read after the call: the pipeline sets the caller.
  const ended = () => ({ callId: rpcCall.callId, caller: rpcCall.caller, orderId: orderIdOf(fields) });
  try {
    const response = await (route.handle(request, rpcCall) as Promise<Message>);
    return { kind: "answered", ...ended(), answer: method.answer(response, request) };
  } catch (error) {
    return { kind: "failed", ...ended(), ...failureOf(ConnectError.from(error), method) };
  }
}

function failureOf(
  error: ConnectError,
  { rpc, parameters }: LegacyMethod,
): Pick<Failed, "code" | "message" | "retryAfterMs"> {
  const [badRequest] = error.findDetails(BadRequestSchema);
  const [retryInfo] = error.findDetails(RetryInfoSchema);
  const violations = badRequest?.fieldViolations.map((violation) => withLegacyName(parameters, rpc.input, violation));
  return {
    code: error.code,
    message: violations === undefined ? error.rawMessage : invalid(violations).message,
    retryAfterMs: retryInfo?.retryDelay && durationMs(retryInfo.retryDelay),
  };
}

function orderIdOf(fields: Readonly<Record<string, unknown>>): bigint {
  const { orderId, rootOrderId, orderIds } = fields as {
    readonly orderId?: bigint;
    readonly rootOrderId?: bigint;
    readonly orderIds?: readonly bigint[];
  };
  return orderId ?? rootOrderId ?? orderIds?.[0] ?? 0n;
}

function invalid(violations: readonly FieldViolation[]): OperationError {
  const texts = violations.map(({ field, description }) => (field === "" ? description : `${field}: ${description}`));
  return new OperationError("invalid", texts.join("; "), { fieldViolations: violations });
}
