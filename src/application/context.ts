import type { Cause } from "../domain/events.ts";
import type { OrderScope } from "../domain/order-scope.ts";
import type { CallScope } from "../store/commit/types.ts";

/** A call that may change something, or came by a legacy endpoint, as it is logged. */
export type { RequestLogRow as CallRecord } from "../store/logs/request-log.ts";

/** The call that an operation answers, independent of its transport. */
export interface CallContext extends CallScope {
  /** Identifies the call in logs and in internal errors. */
  readonly callId: string;
  /** The calling system; "anonymous" without a name. */
  readonly caller: string;
  /**
   * The authenticated caller, whose request ids are separate from those of all others; "" for
   * callers that are not authenticated, which share theirs.
   */
  readonly requestNamespace: string;
  /** The person in the caller's verified token; "" for none. */
  readonly authenticatedOperator: string;
  /** The codes of the states that the caller may report; undefined for all. */
  readonly reportableStatuses: ReadonlySet<number> | undefined;
  /** The orders that the caller may see and change. */
  readonly orderScope: OrderScope;
  /** The W3C trace of the call; "" for none. */
  readonly traceparent: string;
  /** When the caller stops waiting. A change that has not started by then is rejected. */
  readonly deadline: Date | undefined;
  /**
   * Aborted when the client disconnects. For streams only: a change that has started is completed.
   */
  readonly signal: AbortSignal;
}

/** Who makes a call: the calling system and, if it is known, the person. */
export type Actor = Pick<CallContext, "caller" | "authenticatedOperator">;

/** The cause of a change: the calling system, its person, and the person or job that it names. */
export function causeOf(
  { caller, authenticatedOperator, traceparent }: Actor & Pick<CallContext, "traceparent">,
  operator: string,
): Cause {
  return { caller, operator, authenticatedOperator, traceparent };
}
