import { type ChangeResult, type ChangeTransaction, unchanged } from "../store/commit/commit-change.ts";
import { digest } from "../store/mysql/ids.ts";
import { type RequestName, readStoredAnswer, storeAnswer } from "../store/orders/request-answers.ts";
import { requestIdReused } from "./errors.ts";

/** A request that may be repeated with the same request id. */
export interface IdempotentRequest extends RequestName {
  readonly orderId: bigint;
  /** Everything that a repeat must have in common with the first request. */
  readonly content: readonly unknown[];
}

/**
 * Answers a repeated request id with its first answer, and otherwise runs `change` and stores its
 * result unless it is undefined, in the transaction of the change. Lock the order first: an earlier
 * request with the same id is committed by then.
 *
 * @throws OperationError "request-id-reused" where the request id was used with another content
 */
export async function answerOnce<Result>(
  trx: ChangeTransaction,
  { orderId, content, ...request }: IdempotentRequest,
  now: Date,
  change: () => Promise<ChangeResult<Result>>,
): Promise<ChangeResult<Result>> {
  const contentDigest = digest(content);
  const stored = await readStoredAnswer(trx, request, contentDigest);
  if (stored === "reused") {
    throw requestIdReused(request.requestId);
  }
  if (stored !== undefined) {
    return unchanged(stored.answer as Result);
  }
  const changed = await change();
  if (changed.result !== undefined) {
    await storeAnswer(trx, { request, contentDigest, answer: changed.result, orderId, now });
  }
  return changed;
}
