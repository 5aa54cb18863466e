/** What became of a request, as far as its protocol says. */
export interface CallResult {
  /** The code by gRPC's name where there is one, else like "HTTP 404"; "RESET 8" and "CLOSED" where there was no whole answer. */
  readonly code: string;
  /** The end of what was said, for a person. */
  readonly text: string;
}

/** Characters of an answer that are kept. */
export const MAX_TEXT_LENGTH = 2_000;

/** gRPC's names of codes, by their numbers. */
export const GRPC_CODES: readonly string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];
