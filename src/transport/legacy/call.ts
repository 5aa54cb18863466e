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

/** A call of an old method, whichever protocol it came by. */
export interface LegacyCall {
  /** Who calls, as far as that is known without asking him. */
  readonly caller: LegacyCaller;
  readonly peer: Peer;
  /** A request header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  /** What he gave, or why nobody can say. */
  readonly params: Params | OperationError;
}

/** How a call ended. */
export type LegacyOutcome = Answered | Failed;

interface Ended {
  readonly callId: string;
  readonly caller: string;
  /** The order that the call names; 0 where it names none. */
  readonly orderId: bigint;
}

export interface Answered extends Ended {
  readonly kind: "answered";
  readonly answer: LegacyAnswer;
}

export interface Failed extends Ended {
  readonly kind: "failed";
  readonly code: Code;
  /** For a person, with the old names. */
  readonly message: string;
  /** When to try again, in milliseconds, where that may help. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Calls the RPC that does an old method's work, through the same pipeline as everybody: validation, request log, metrics, deadline and drain
 * are one for all.
 */
export async function callLegacyMethod(method: LegacyMethod, route: Route, call: LegacyCall): Promise<LegacyOutcome> {
  const { input } = method.rpc;
  const { params } = call;
  const { fields, faults } =
    params instanceof OperationError ? { fields: {}, faults: [] } : parseParameters(method.parameters, params);
  const malformed = params instanceof OperationError ? params : faults.length > 0 ? invalid(faults) : undefined;
  const operator = "operator" in input.field ? { operator: call.caller.name } : {};
  const request: Message = create(input, malformed === undefined ? { ...operator, ...fields } : {});
  const rpcCall = createCall({
    transport: "legacy",
    legacyMethod: method.name,
    peer: call.peer,
    authenticatedName: call.caller.authenticatedName,
    header: (name) => (name === CALLER_HEADER ? call.caller.name : call.header(name)),
    deadline: undefined,
    signal: NEVER_ABORTED,
    malformed,
  });
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
  const faults = badRequest?.fieldViolations.map((fault) => withLegacyName(parameters, rpc.input, fault));
  return {
    code: error.code,
    message: faults === undefined ? error.rawMessage : invalid(faults).message,
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

function invalid(faults: readonly FieldViolation[]): OperationError {
  const texts = faults.map(({ field, description }) => (field === "" ? description : `${field}: ${description}`));
  return new OperationError("invalid", texts.join("; "), { fieldViolations: faults });
}
