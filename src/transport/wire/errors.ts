import { create, type DescMessage, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import {
  asOperationError,
  type FieldViolation,
  type OperationError,
  type OperationErrorKind,
} from "../../application/errors.ts";

/** Whose reasons they are, in google.rpc.ErrorInfo. */
const DOMAIN = "orderstatus.oms";

/** What an error may carry. */
export const ERROR_DETAILS = [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema] as const;

/** From the reason to the code, and to the reason of google.rpc.ErrorInfo for the codes that mean several things. */
export const ERROR_CODES: Readonly<Record<OperationErrorKind, { readonly code: Code; readonly reason?: string }>> = {
  invalid: { code: Code.InvalidArgument },
  "not-found": { code: Code.NotFound },
  unauthenticated: { code: Code.Unauthenticated },
  "permission-denied": { code: Code.PermissionDenied },
  "illegal-transition": { code: Code.FailedPrecondition, reason: "ILLEGAL_TRANSITION" },
  "order-paused": { code: Code.FailedPrecondition, reason: "ORDER_PAUSED" },
  "version-mismatch": { code: Code.Aborted, reason: "VERSION_MISMATCH" },
  "request-id-reused": { code: Code.AlreadyExists, reason: "REQUEST_ID_REUSED" },
  "order-exists": { code: Code.AlreadyExists, reason: "ORDER_EXISTS" },
  overloaded: { code: Code.ResourceExhausted },
  "rate-limited": { code: Code.ResourceExhausted, reason: "RATE_LIMITED" },
  "too-many-calls": { code: Code.ResourceExhausted, reason: "TOO_MANY_CALLS" },
  "too-many-watches": { code: Code.ResourceExhausted, reason: "TOO_MANY_WATCHES" },
  "fell-behind": { code: Code.ResourceExhausted },
  unavailable: { code: Code.Unavailable },
  "shutting-down": { code: Code.Unavailable },
  "deadline-passed": { code: Code.DeadlineExceeded },
};

/**
 * Details travel in a header over gRPC, and peers take 8 KiB of headers in all: this many bytes of field faults are told (in
 * base64 they are a third longer), then how many more there are.
 */
const MAX_FAULT_BYTES = 2_500;

/** The same for the message, which goes twice: percent-encoded, and in the details. */
const MAX_MESSAGE_BYTES = 600;

/** Any error as what goes over the wire. Total: what it does not know is a bug, of which the caller learns the call's id alone. */
export function toConnectError(error: unknown, callId: string): ConnectError {
  if (error instanceof ConnectError) {
    return error;
  }
  const known = asOperationError(error);
  if (known === undefined) {
    return new ConnectError(
      `internal error; call ${callId} in the server's log tells more`,
      Code.Internal,
      undefined,
      [],
      error,
    );
  }
  const { code, reason } = ERROR_CODES[known.kind];
  return new ConnectError(headerText(known.message), code, undefined, detailsOf(known, reason), error);
}

/** The details as messages, for the fronts that pack them themselves. */
export function toStatus(error: ConnectError): Status {
  const details = error.details.flatMap((detail) =>
    "desc" in detail ? [anyPack(detail.desc, create(detail.desc, detail.value) as Message)] : [],
  );
  return create(StatusSchema, { code: error.code, message: error.rawMessage, details });
}

type Detail = { desc: DescMessage; value: MessageInitShape<DescMessage> };

function detailsOf(error: OperationError, reason: string | undefined): Detail[] {
  const details: Detail[] = [];
  if (reason !== undefined) {
    const value = create(ErrorInfoSchema, { reason, domain: DOMAIN, metadata: { ...error.metadata } });
    details.push({ desc: ErrorInfoSchema, value });
  }
  if (error.fieldViolations.length > 0) {
    details.push({
      desc: BadRequestSchema,
      value: create(BadRequestSchema, { fieldViolations: fitting(error.fieldViolations) }),
    });
  }
  if (error.retryAfterMs !== undefined) {
    const value = create(RetryInfoSchema, { retryDelay: durationFromMs(error.retryAfterMs) });
    details.push({ desc: RetryInfoSchema, value });
  }
  return details;
}

function fitting(faults: readonly FieldViolation[]): FieldViolation[] {
  let bytes = 0;
  const told = faults.findIndex(({ field, description }) => {
    bytes += Buffer.byteLength(field) + Buffer.byteLength(description) + 8;
    return bytes > MAX_FAULT_BYTES;
  });
  if (told === -1) {
    return faults.map(({ field, description }) => ({ field, description: description.toWellFormed() }));
  }
  const more = { field: "", description: `… and ${faults.length - told} more` };
  return [...fitting(faults.slice(0, told)), more];
}

/** Short enough for a header, and without the half characters that no header can carry. */
function headerText(message: string): string {
  const text = message.toWellFormed();
  if (Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) {
    return text;
  }
  // A character cut in two becomes a replacement character, which says as much as the cut.
  return `${Buffer.from(text).subarray(0, MAX_MESSAGE_BYTES).toString()}…`;
}

/** google.rpc.Status in binary, as the header grpc-status-details-bin carries it. */
export function encodeStatus(error: ConnectError): Uint8Array {
  return toBinary(StatusSchema, toStatus(error));
}
