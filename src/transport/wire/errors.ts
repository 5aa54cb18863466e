import { create, type DescMessage, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../../../gen/google/rpc/status_pb.ts";
import {
  asOperationError,
  errorRow,
  type FieldViolation,
  type GrpcCode,
  type OperationError,
} from "../../application/errors.ts";

/** The domain of the reasons, in google.rpc.ErrorInfo. */
const DOMAIN = "orderstatus.oms";

/** The details that an error may carry. */
export const ERROR_DETAILS = [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema] as const;

/**
 * Maximum size of the field violations in an error, in bytes; further ones are only counted. gRPC
 * sends details in a header, base64 adds a third, and peers accept 8 KiB of headers in all.
 */
const MAX_VIOLATION_BYTES = 2_500;

/**
 * Maximum size of an error message, in bytes. It is sent twice: percent-encoded, and in the
 * details.
 */
const MAX_MESSAGE_BYTES = 600;

/**
 * Maps any error to a ConnectError. An unknown error is a bug: INTERNAL, with no more than the call
 * id for the caller.
 */
export function toConnectError(error: unknown, callId: string): ConnectError {
  if (error instanceof ConnectError) {
    return error;
  }
  const known = asOperationError(error);
  if (known === undefined) {
    return new ConnectError(
      `internal error; call id ${callId}, details in the server log`,
      Code.Internal,
      undefined,
      [],
      error,
    );
  }
  const { code, reason } = errorRow(known.kind);
  return new ConnectError(headerText(known.message), codeByName(code), undefined, detailsOf(known, reason), error);
}

/** google.rpc.Status, for the transports that encode details themselves. */
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
      value: create(BadRequestSchema, { fieldViolations: truncate(error.fieldViolations) }),
    });
  }
  if (error.retryAfterMs !== undefined) {
    const value = create(RetryInfoSchema, { retryDelay: durationFromMs(error.retryAfterMs) });
    details.push({ desc: RetryInfoSchema, value });
  }
  return details;
}

function truncate(violations: readonly FieldViolation[]): FieldViolation[] {
  let bytes = 0;
  const end = violations.findIndex(({ field, description }) => {
    bytes += Buffer.byteLength(field) + Buffer.byteLength(description) + 8;
    return bytes > MAX_VIOLATION_BYTES;
  });
  const shown = end === -1 ? violations : violations.slice(0, end);
  return [
    ...shown.map(({ field, description }) => ({ field, description: description.toWellFormed() })),
    ...(end === -1 ? [] : [{ field: "", description: `… and ${violations.length - end} more` }]),
  ];
}

/** Truncated to what fits a header, without lone surrogates. */
function headerText(message: string): string {
  const text = message.toWellFormed();
  if (Buffer.byteLength(text) <= MAX_MESSAGE_BYTES) {
    return text;
  }
  // A character cut in two becomes U+FFFD.
  return `${Buffer.from(text).subarray(0, MAX_MESSAGE_BYTES).toString()}…`;
}

/** The value of the header grpc-status-details-bin. */
export function encodeStatus(error: ConnectError): Uint8Array {
  return toBinary(StatusSchema, toStatus(error));
}

const CODE_NAMES: ReadonlyMap<Code, string> = new Map(
  Object.values(Code)
    .filter((code) => typeof code === "number")
    .map((code) => [
      code,
      Code[code]
        .replace(/(?<=[a-z])[A-Z]/g, "_$&")
        .toUpperCase()
        .replace("CANCELED", "CANCELLED"),
    ]),
);

/** The gRPC name of a code, for example CANCELLED (which Connect spells Canceled). */
export const grpcCodeName = (code: Code): string => CODE_NAMES.get(code) as string;

const CODES: ReadonlyMap<string, Code> = new Map(Array.from(CODE_NAMES, ([code, name]) => [name, code]));

/** The code with a gRPC name. */
function codeByName(name: GrpcCode): Code {
  return CODES.get(name) as Code;
}
