import { create, type Message } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { type FieldViolation, OperationError } from "../../application/errors.ts";
import { type Call, createCall, NEVER_ABORTED } from "../call.ts";
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
  readonly connection: Call["connection"];
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** Reads the parameters, or why they cannot be read; called once the call is admitted. */
  readonly readParams: () => Promise<Params | OperationError>;
  /** When its headers had arrived, by performance.now(); default: now. */
  readonly startedAt?: number;
}

/** The parameters of an admitted call, and how it ended. */
export interface LegacyResult {
  /** Undefined if the call was not admitted. */
  readonly params: Params | OperationError | undefined;
  /** Whether the caller sees only some orders, so that the legacy system's answer may differ. */
  readonly restricted: boolean;
  readonly outcome: LegacyOutcome;
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
  /** The method's literal answer of a failure, if it has one. */
  readonly answer: string | undefined;
  readonly code: Code;
  /** With the legacy names of parameters. */
  readonly message: string;
  /** Undefined if a retry does not help. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Calls the RPC behind a legacy method through the same pipeline as all other calls: validation,
 * request log, metrics, deadline and drain are the same.
 *
 * @throws OperationError "address-rate-limited" when the limit has prevented its authentication or
 *   authorization
 */
export async function callLegacyMethod(method: LegacyMethod, route: Route, call: LegacyCall): Promise<LegacyResult> {
  const { caller } = call;
  const rpcCall = toRpcCall(call, method.name);
  await route.admit(rpcCall);
  if (rpcCall.rejection?.kind === "address-rate-limited") {
    throw rpcCall.rejection;
  }
  const params = rpcCall.rejection === undefined ? await call.readParams() : undefined;
  const { fields, violations } =
    params === undefined || params instanceof OperationError
      ? { fields: {}, violations: [] }
      : parseParameters(method.parameters, params);
  rpcCall.malformed =
    params instanceof OperationError ? params : violations.length > 0 ? invalid(violations) : undefined;
  const { input } = method.rpc;
  const operator = "operator" in input.field ? { operator: caller.name } : {};
  const request: Message = create(input, rpcCall.malformed === undefined ? { ...operator, ...fields } : {});
  const isRestricted = () => rpcCall.orderScope !== undefined;
  // Read after the call: the pipeline sets the caller.
  const ended = () => ({ callId: rpcCall.callId, caller: rpcCall.caller, orderId: orderIdOf(fields) });
  try {
    const response = await (route.handle(request, rpcCall) as Promise<Message>);
    return {
      params,
      restricted: isRestricted(),
      outcome: { kind: "answered", ...ended(), answer: method.answer(response, request) },
    };
  } catch (error) {
    return {
      params,
      restricted: isRestricted(),
      outcome: { kind: "failed", ...ended(), ...failureOf(ConnectError.from(error), method) },
    };
  }
}

/**
 * Why the caller of a message whose method is not known yet cannot be authenticated, if so.
 *
 * @param route of any method
 */
export async function authenticationError(
  route: Route,
  call: Omit<LegacyCall, "readParams">,
): Promise<OperationError | undefined> {
  const rpcCall = toRpcCall(call, "");
  await route.authenticate(rpcCall);
  return rpcCall.rejection;
}

function toRpcCall(
  { caller, peer, connection, header, startedAt = performance.now() }: Omit<LegacyCall, "readParams">,
  legacyMethod: string,
): Call {
  return createCall({
    transport: "legacy",
    legacyMethod,
    peer,
    connection,
    authenticatedName: caller.authenticatedName,
    header: (name) => (name === CALLER_HEADER ? caller.name : header(name)),
    startedAt,
    deadline: undefined,
    signal: NEVER_ABORTED,
  });
}

function failureOf(
  error: ConnectError,
  { rpc, parameters, failureAnswer }: LegacyMethod,
): Pick<Failed, "answer" | "code" | "message" | "retryAfterMs"> {
  const [badRequest] = error.findDetails(BadRequestSchema);
  const [retryInfo] = error.findDetails(RetryInfoSchema);
  const violations = badRequest?.fieldViolations.map((violation) => withLegacyName(parameters, rpc.input, violation));
  return {
    answer: failureAnswer,
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
