import { type Cause, eventContext, type PauseChanged } from "./events.ts";
import type { Order } from "./order.ts";
import type { VerdictFacts } from "./verdicts.ts";

/** A request to pause or resume an order (legacy operations 1, 2 and 4). */
export interface PauseRequest {
  readonly kind: "pause";
  readonly orderId: bigint;
  readonly paused: boolean;
  readonly reason: string;
  readonly cause: Cause;
}

/** The answer to a pause request; `order` is the order at that time. */
export type PauseResult =
  | { readonly kind: "not-found" }
  | { readonly kind: "paused"; readonly changed: boolean; readonly order: VerdictFacts };

/** An order after a pause or a resume, and its event. */
export interface AppliedPause {
  readonly after: Order;
  readonly event: PauseChanged;
}

/**
 * Pauses or resumes an order; undefined where it is paused or running already.
 *
 * @param uniqueId makes the event's message id unique
 */
export function applyPause(
  order: Order,
  { paused, reason, cause }: Pick<PauseRequest, "paused" | "reason" | "cause">,
  uniqueId: string,
  now: Date,
): AppliedPause | undefined {
  if (order.paused === paused) {
    return undefined;
  }
  const { orderId, status, warehouseCount } = order;
  const context = eventContext(order, `${orderId}-pause-${uniqueId}`, cause, now);
  return {
    after: { ...order, paused },
    event: { type: "pause-changed", ...context, paused, reason, status, warehouseCount },
  };
}
