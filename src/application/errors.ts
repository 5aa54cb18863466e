import { DatabaseUnavailableError, DeadlinePassedError, QueueFullError } from "../store/mysql/errors.ts";
import { classifyFailure } from "../store/mysql/failures.ts";

/** Why an operation was not carried out. */
export type OperationErrorKind =
  /** A field has a value that it cannot have. */
  | "invalid"
  /** There is no such order. */
  | "not-found"
  /** Nobody can say who calls. */
  | "unauthenticated"
  /** The caller may not do this. */
  | "permission-denied"
  /** The state machine has no such move. */
  | "illegal-transition"
  /** The move is one that a pause holds back. */
  | "order-paused"
  /** The order has not the version that the caller expects. */
  | "version-mismatch"
  /** The request id came with another content before. */
  | "request-id-reused"
  /** There is such an order already. */
  | "order-exists"
  /** More work than this server takes; nothing was done. */
  | "overloaded"
  /** The caller calls more often than it may. */
  | "rate-limited"
  /** The caller has as many calls under way as it may. */
  | "too-many-calls"
  /** The caller has as many watches open as it may. */
  | "too-many-watches"
  /** A watcher reads more slowly than its orders change. */
  | "fell-behind"
  /** The database is out of reach; nothing is half done. */
  | "unavailable"
  /** The server ends. */
  | "shutting-down"
  /** The deadline passed before the change began; it was not made. */
  | "deadline-passed";

/** A field with a value that it cannot have. */
export interface FieldViolation {
  /** The path to it in the request, for example "lines[1].quantity". */
  readonly field: string;
  /** What would be right, and what was there. */
  readonly description: string;
}

export interface OperationErrorDetails {
  /** Facts for a program, for example the two states of a move that does not exist. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** When to try again, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly fieldViolations?: readonly FieldViolation[];
}

/** An operation was not carried out, for a reason that its caller can act on. The message is for the caller. */
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

/** A field's value cannot be taken, for a reason that only the operation can see. */
export function invalidField(field: string, description: string): OperationError {
  return new OperationError("invalid", `${field}: ${description}`, { fieldViolations: [{ field, description }] });
}

/** What a lost or busy database means to a caller who can come back, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** Turns what the store throws into what a caller can act on; undefined for what is a bug. */
export function asOperationError(error: unknown): OperationError | undefined {
  if (error instanceof OperationError) {
    return error;
  }
  if (error instanceof QueueFullError) {
    const message = "the server has more changes waiting than it takes; nothing was done, try again";
    return new OperationError("overloaded", message, { retryAfterMs: error.retryAfterMs });
  }
  if (error instanceof DeadlinePassedError) {
    return new OperationError("deadline-passed", "the deadline passed before the change began; it was not made");
  }
  if (error instanceof DatabaseUnavailableError) {
    return unavailable(error.retryAfterMs);
  }
  const failure = classifyFailure(error);
  const passes = failure === "lost" || failure === "deadlock" || failure === "lock-timeout";
  return passes ? unavailable(RETRY_AFTER_MS) : undefined;
}

function unavailable(retryAfterMs: number): OperationError {
  const message = "the database is out of reach; nothing is half done, try again";
  return new OperationError("unavailable", message, { retryAfterMs });
}
