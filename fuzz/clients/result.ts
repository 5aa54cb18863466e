/** Outcome of a request. */
export interface CallResult {
  /**
   * Name of the gRPC code, else for example "HTTP 404"; "RESET 8" or "CLOSED" without a complete
   * response.
   */
  readonly code: string;
  /** Beginning of the response, for reports. */
  readonly text: string;
}

/** Maximum number of characters kept of a response. */
export const MAX_TEXT_LENGTH = 2_000;

/** Names of the gRPC codes, by number. */
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
