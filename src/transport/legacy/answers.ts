import { Code } from "@connectrpc/connect";
import { REASON_HEADER } from "../call.ts";
import { stringifyLosslessJson } from "../wire/lossless-json.ts";
import type { Failed, LegacyOutcome } from "./call.ts";

/** The legacy system's text for a code; the English text after it is the error message. */
const TEXTS: ReadonlyMap<Code, string> = new Map([
  [Code.InvalidArgument, "参数错误"],
  [Code.NotFound, "没有找到"],
  [Code.Unimplemented, "不支持"],
  [Code.FailedPrecondition, "订单状态不允许"],
  [Code.Aborted, "订单已经变化"],
  [Code.AlreadyExists, "请求号重复"],
  [Code.ResourceExhausted, "系统繁忙，请稍后重试"],
  [Code.Unavailable, "系统暂时不可用，请稍后重试"],
  [Code.DeadlineExceeded, "处理超时"],
  [Code.Unauthenticated, "没有登录"],
  [Code.PermissionDenied, "没有权限"],
]);

/** A failure as shown to a person. */
export const failureText = ({ code, message }: Pick<Failed, "code" | "message">): string =>
  `${TEXTS.get(code) ?? "系统错误"}: ${message}`;

/** Maximum length of the reason in a header, in characters; proxies buffer few kilobytes. */
const REASON_LENGTH = 400;

/** The headers with the reason of a failure whose answer is a literal text. */
export function reasonHeaders(failed: Failed): Readonly<Record<string, string>> {
  if (failed.answer === undefined) {
    return {};
  }
  const reason = failureText(failed);
  const shown = reason.length > REASON_LENGTH ? `${reason.slice(0, REASON_LENGTH)}…` : reason;
  return { [REASON_HEADER]: encodeURIComponent(shown.toWellFormed()) };
}

/**
 * The response body, byte by byte what legacy callers compare: a text, or JSON with its keys in
 * order.
 */
export function responseBody(outcome: LegacyOutcome): string {
  if (outcome.kind === "failed") {
    return outcome.answer ?? stringifyLosslessJson({ result: 0, message: failureText(outcome) });
  }
  return typeof outcome.answer === "string" ? outcome.answer : stringifyLosslessJson(outcome.answer);
}

/** The HTTP status of a failure where failures are HTTP errors: Connect's. */
const HTTP_STATUSES: ReadonlyMap<Code, number> = new Map([
  [Code.InvalidArgument, 400],
  [Code.FailedPrecondition, 400],
  [Code.Unauthenticated, 401],
  [Code.PermissionDenied, 403],
  [Code.NotFound, 404],
  [Code.Aborted, 409],
  [Code.AlreadyExists, 409],
  [Code.ResourceExhausted, 429],
  [Code.Unavailable, 503],
  [Code.DeadlineExceeded, 504],
]);

export const httpStatusOf = (code: Code): number => HTTP_STATUSES.get(code) ?? 500;

const SERVER_FAILURES: ReadonlySet<Code> = new Set([
  Code.Internal,
  Code.Unknown,
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
]);

/** Whether the server, not the client, caused a failure with this code; a SOAP receiver fault. */
export const isServerFailure = (code: Code): boolean => SERVER_FAILURES.has(code);
