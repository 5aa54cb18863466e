import type { Cause } from "../domain/events.ts";
import type { DecidedChange, OrderChange, ReadResults } from "../store/commit/order-change.ts";
import { digest } from "../store/mysql/ids.ts";
import type { CallContext } from "./context.ts";
import type { OperationDeps } from "./deps.ts";
import { OperationError, requestIdReused } from "./errors.ts";

/** A change as a use case describes it. */
export interface Change<Result, Results extends ReadResults>
  extends Pick<OrderChange<Result, Results>, "orderId" | "otherOrderIds" | "creates" | "reads" | "decide"> {
  readonly cause: Cause;
  /** "" for none. A repeat gets the first answer. */
  readonly requestId: string;
  /** Everything that a repeat must have in common with the first request. */
  readonly content: readonly unknown[];
}

/**
 * Commits a change of an order in a group commit and returns its result. An order outside the
 * caller's scope is decided on as one that does not exist.
 *
 * @throws OperationError "request-id-reused", "order-exists", or what `decide` throws
 */
export async function commitChange<Result, Results extends ReadResults>(
  { committer }: Pick<OperationDeps, "committer">,
  { content, requestId, ...change }: Change<Result, Results>,
  context: CallContext,
): Promise<Result> {
  const outcome = await committer.change<Result, Results>(
    {
      kind: "change",
      ...change,
      requestId,
      requestNamespace: context.requestNamespace,
      contentDigest: digest(content),
    },
    context,
  );
  if (outcome.kind === "decided") {
    return outcome.result;
  }
  if (outcome.kind === "request-id-reused") {
    throw requestIdReused(requestId);
  }
  const message = `there is an order ${change.orderId} already`;
  throw new OperationError("order-exists", message, { metadata: { order_id: String(change.orderId) } });
}

/** The decision to change nothing. */
export function unchanged<Result>(result: Result): DecidedChange<Result> {
  return { result, events: [] };
}
