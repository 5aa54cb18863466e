import { Code } from "@connectrpc/connect";
import type { OperationErrorKind } from "../../src/application/errors.ts";
import { ERROR_CODES } from "../../src/transport/wire/errors.ts";
import { code, type Page, table } from "./page.ts";

const RETRY_INFO = "RetryInfo";

/**
 * The meaning of each error and what its caller does; a new kind does not compile without a row.
 */
const ADVICE: Readonly<
  Record<OperationErrorKind, { readonly details?: string; readonly meaning: string; readonly action: string }>
> = {
  invalid: {
    details: "BadRequest: each field and its rule",
    meaning: "a field has a value that it must not have",
    action: "correct the request; do not retry",
  },
  "not-found": {
    meaning: "the order, or the named thing, does not exist",
    action: "do not retry; PauseForCancel, PauseForRejection and SetOrderPause answer with a verdict instead",
  },
  unauthenticated: {
    meaning: "no accepted token or client certificate",
    action: "send valid credentials",
  },
  "permission-denied": {
    meaning: "the caller's roles lack the permission",
    action: "do not retry; see [security.md](security.md#permissions)",
  },
  "illegal-transition": {
    details: "ErrorInfo with `from` and `to`",
    meaning: "the state machine has no such transition",
    action: "do not retry; ExplainOrder lists what is possible",
  },
  "order-paused": {
    details: "ErrorInfo",
    meaning: "a step of the forward flow on a paused order",
    action: "wait for the order to be resumed",
  },
  "version-mismatch": {
    details: "ErrorInfo",
    meaning: "the order's version is not `expected_version`",
    action: "read the order again and decide again",
  },
  "request-id-reused": {
    details: "ErrorInfo",
    meaning: "the `request_id` was used with different content",
    action: "fix the caller: request ids must be unique",
  },
  "order-exists": {
    details: "ErrorInfo",
    meaning: "SubmitOrder: the `order_id` exists",
    action: "do not retry",
  },
  overloaded: {
    details: RETRY_INFO,
    meaning: "the server is at capacity; the call was not executed",
    action: "retry after the given delay, with the same `request_id`",
  },
  "rate-limited": {
    details: `ErrorInfo, ${RETRY_INFO}`,
    meaning: "the caller exceeds its calls per second",
    action: "retry after the given delay",
  },
  "too-many-calls": {
    details: `ErrorInfo, ${RETRY_INFO}`,
    meaning: "the caller has its maximum number of calls in flight",
    action: "limit concurrency, retry after the given delay",
  },
  "too-many-watches": {
    details: `ErrorInfo, ${RETRY_INFO}`,
    meaning: "the caller has its maximum number of open watches",
    action: "watch more orders per call, or close a watch",
  },
  "fell-behind": {
    details: RETRY_INFO,
    meaning: "the watch client reads more slowly than its orders change",
    action: "call again with `after_versions`",
  },
  unavailable: {
    details: RETRY_INFO,
    meaning: "the database is unavailable; nothing is half done",
    action: "retry after the given delay, with the same `request_id`",
  },
  "shutting-down": {
    details: RETRY_INFO,
    meaning: "the server is shutting down",
    action: "retry with the same `request_id`; a watch resumes with `after_versions`",
  },
  "deadline-passed": {
    meaning: "the deadline passed before the change began; it was not made",
    action: "retry with the same `request_id`",
  },
};

/** A code's name as gRPC spells it, for example FAILED_PRECONDITION. */
const nameOf = (status: Code) => Code[status].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();

function codes(): string {
  const rows = (Object.keys(ADVICE) as OperationErrorKind[]).map((kind) => {
    const { details = "", meaning, action } = ADVICE[kind];
    const { code: status, reason } = ERROR_CODES[kind];
    return [code(nameOf(status)), reason === undefined ? "" : code(reason), details, meaning, action];
  });
  const internal = [
    code("INTERNAL"),
    "",
    "",
    "a bug in the service; the message has the call id",
    "report the call id",
  ];
  return table(["code", "reason", "details", "meaning", "what to do"], [...rows, internal]);
}

/** The error codes, from the table of operation errors. */
export const errors: Page = { file: "docs/errors.md", blocks: { codes } };
