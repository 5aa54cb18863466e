import {
  classifyFailure,
  DatabaseUnavailableError,
  DeadlinePassedError,
  QueueFullError,
} from "../store/mysql/errors.ts";

interface ErrorRow {
  /** The gRPC code. */
  readonly code: GrpcCode;
  /** The reason in google.rpc.ErrorInfo, for codes that have several meanings. */
  readonly reason?: string;
  /** What the error details contain, for the docs. */
  readonly details?: string;
  /** What happened, for the docs. */
  readonly meaning: string;
  /** What the caller does, for the docs. */
  readonly action: string;
}

/** The gRPC codes that operations answer with. */
export type GrpcCode =
  | "INVALID_ARGUMENT"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "UNAUTHENTICATED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "UNIMPLEMENTED";

/** All errors of operations. The transports and docs/errors.md are derived from this table. */
export const ERRORS = {
  invalid: {
    code: "INVALID_ARGUMENT",
    details: "BadRequest: each field and its rule",
    meaning: "a field has a value that it must not have",
    action: "correct the request; do not retry",
  },
  "not-one-message": {
    code: "UNIMPLEMENTED",
    meaning: "the body of a request with envelopes (gRPC-Web, Connect streams) is empty, or has several messages",
    action: "send one message; do not retry",
  },
  "not-found": {
    code: "NOT_FOUND",
    meaning: "the order, or the named thing, does not exist",
    action: "do not retry; PauseForCancel, PauseForRejection and SetOrderPause answer with a verdict instead",
  },
  unauthenticated: {
    code: "UNAUTHENTICATED",
    meaning: "no accepted token or client certificate",
    action: "send valid credentials",
  },
  "keys-unavailable": {
    code: "UNAVAILABLE",
    details: "RetryInfo",
    meaning: "the keys that verify tokens cannot be fetched from the issuer",
    action: "retry after the given delay",
  },
  "permission-denied": {
    code: "PERMISSION_DENIED",
    meaning: "the caller's roles lack the permission, or restrict it to other order sources",
    action: "do not retry; see [security.md](security.md#permissions)",
  },
  "illegal-transition": {
    code: "FAILED_PRECONDITION",
    reason: "ILLEGAL_TRANSITION",
    details: "ErrorInfo with `from` and `to`",
    meaning: "the state machine has no such transition",
    action: "do not retry; ExplainOrder lists what is possible",
  },
  "order-paused": {
    code: "FAILED_PRECONDITION",
    reason: "ORDER_PAUSED",
    details: "ErrorInfo",
    meaning: "a step of the forward flow on a paused order",
    action: "wait for the order to be resumed",
  },
  "wms-answer-conflict": {
    code: "FAILED_PRECONDITION",
    reason: "WMS_ANSWER_CONFLICT",
    details: "ErrorInfo",
    meaning: "ReportWmsAnswer: the answer contradicts the order; it is recorded, and ListParked lists it",
    action: "do not retry; a person decides",
  },
  "version-mismatch": {
    code: "ABORTED",
    reason: "VERSION_MISMATCH",
    details: "ErrorInfo",
    meaning: "the order's version is not `expected_version`",
    action: "read the order again and decide again",
  },
  "request-id-reused": {
    code: "ALREADY_EXISTS",
    reason: "REQUEST_ID_REUSED",
    details: "ErrorInfo",
    meaning: "the `request_id` was used with different content",
    action: "fix the caller: request ids must be unique",
  },
  "order-exists": {
    code: "ALREADY_EXISTS",
    reason: "ORDER_EXISTS",
    details: "ErrorInfo",
    meaning: "SubmitOrder: the `order_id` exists",
    action: "do not retry",
  },
  "request-too-large": {
    code: "RESOURCE_EXHAUSTED",
    meaning: "the request, once decompressed, is larger than its RPC accepts",
    action: "split the batch; do not retry",
  },
  overloaded: {
    code: "RESOURCE_EXHAUSTED",
    details: "RetryInfo",
    meaning: "the server is at capacity; the call was not executed",
    action: "retry after the given delay, with the same `request_id`",
  },
  "rate-limited": {
    code: "RESOURCE_EXHAUSTED",
    reason: "RATE_LIMITED",
    details: "ErrorInfo, RetryInfo",
    meaning: "the caller exceeds its calls per second",
    action: "retry after the given delay",
  },
  "too-many-calls": {
    code: "RESOURCE_EXHAUSTED",
    reason: "TOO_MANY_CALLS",
    details: "ErrorInfo, RetryInfo",
    meaning: "the caller has its maximum number of calls in flight",
    action: "limit concurrency, retry after the given delay",
  },
  "too-many-watches": {
    code: "RESOURCE_EXHAUSTED",
    reason: "TOO_MANY_WATCHES",
    details: "ErrorInfo, RetryInfo",
    meaning: "the caller has its maximum number of open watches",
    action: "watch more orders per call, or close a watch",
  },
  "address-rate-limited": {
    code: "RESOURCE_EXHAUSTED",
    reason: "ADDRESS_RATE_LIMITED",
    details: "ErrorInfo, RetryInfo",
    meaning:
      "too many calls from the client's address failed authentication, lacked permission, or were for endpoints that need none",
    action: "check credentials and permissions; retry after the given delay",
  },
  lagging: {
    code: "RESOURCE_EXHAUSTED",
    details: "RetryInfo",
    meaning: "the watch client reads more slowly than its orders change",
    action: "call again with `after_versions`",
  },
  unavailable: {
    code: "UNAVAILABLE",
    details: "RetryInfo",
    meaning: "the database is unavailable; a change is made completely or not at all",
    action: "retry after the given delay, with the same `request_id`",
  },
  "shutting-down": {
    code: "UNAVAILABLE",
    details: "RetryInfo",
    meaning: "the server is shutting down",
    action: "retry with the same `request_id`; a watch resumes with `after_versions`",
  },
  "deadline-passed": {
    code: "DEADLINE_EXCEEDED",
    meaning: "the deadline passed before the change started; it was not made",
    action: "retry with the same `request_id`",
  },
} as const satisfies Readonly<Record<string, ErrorRow>>;

/** Why an operation was not carried out. */
export type OperationErrorKind = keyof typeof ERRORS;

/** The row of a kind of error. */
export function errorRow(kind: OperationErrorKind): ErrorRow {
  return ERRORS[kind];
}

/** A field with an invalid value. */
export interface FieldViolation {
  /** The path to it in the request, for example "lines[1].quantity". */
  readonly field: string;
  /** What is expected, and the value. */
  readonly description: string;
}

export interface OperationErrorDetails {
  /** Details for programs, for example the two states of an illegal transition. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** When to retry, in ms. */
  readonly retryAfterMs?: number;
  readonly fieldViolations?: readonly FieldViolation[];
}

/**
 * An operation was not carried out, for a reason the caller can act on. The message is for the
 * caller.
 */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly kind: OperationErrorKind;
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterMs: number | undefined;
  readonly fieldViolations: readonly FieldViolation[];

  constructor(kind: OperationErrorKind, message: string, details: OperationErrorDetails = {}) {
    super(message);
    this.kind = kind;
    this.metadata = details.metadata ?? {};
    this.retryAfterMs = details.retryAfterMs;
    this.fieldViolations = details.fieldViolations ?? [];
  }
}

/** There is no such order. */
export function orderNotFound(orderId: bigint): OperationError {
  return new OperationError("not-found", `there is no order ${orderId}`);
}

/** A field has a value that only the operation can find invalid. */
export function invalidField(field: string, description: string): OperationError {
  return new OperationError("invalid", `${field}: ${description}`, { fieldViolations: [{ field, description }] });
}

/** The request id was used before with another content: one of the two calls is a mistake. */
export function requestIdReused(requestId: string): OperationError {
  const message = `request_id ${JSON.stringify(requestId)} was used before with another content: use a new one for a new request`;
  return new OperationError("request-id-reused", message, { metadata: { request_id: requestId } });
}

/** Retry delay after a lost or busy database, in ms. */
const RETRY_AFTER_MS = 1_000;

/** Converts the errors of the store; undefined for an unexpected error. */
export function asOperationError(error: unknown): OperationError | undefined {
  if (error instanceof OperationError) {
    return error;
  }
  if (error instanceof QueueFullError) {
    const message = "server overloaded; the change was not made, retry";
    return new OperationError("overloaded", message, { retryAfterMs: error.retryAfterMs });
  }
  if (error instanceof DeadlinePassedError) {
    return new OperationError("deadline-passed", "the deadline passed before the change started; it was not made");
  }
  if (error instanceof DatabaseUnavailableError) {
    return unavailable(error.retryAfterMs);
  }
  const failure = classifyFailure(error);
  const isTemporary = failure === "lost" || failure === "deadlock" || failure === "lock-timeout";
  return isTemporary ? unavailable(RETRY_AFTER_MS) : undefined;
}

function unavailable(retryAfterMs: number): OperationError {
  const message = "database unavailable; a change is made completely or not at all, retry";
  return new OperationError("unavailable", message, { retryAfterMs });
}
