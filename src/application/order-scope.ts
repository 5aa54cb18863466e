import { readOrdersOfSources } from "../store/reads/order-scope.ts";
import type { CallContext } from "./context.ts";
import type { OperationDeps } from "./deps.ts";
import { orderNotFound } from "./errors.ts";

/*
 * Every operation that names orders calls this first. An order outside the caller's scope is
 * answered like one that does not exist, at the same point and after the same query, so that message
 * and time are the same; a lock on it is not waited for. Operations that change an order check its
 * source again in the read that locks it.
 */

/** The part of a call's context that decides about visibility. */
export type Scoped = Pick<CallContext, "orderScope">;

/**
 * Which of the orders the caller may see, of those that exist. For a caller that is not restricted
 * that is every order, without a query.
 */
export async function visibilityOf(
  { db }: Pick<OperationDeps, "db">,
  orderIds: readonly bigint[],
  { orderScope }: Scoped,
): Promise<(orderId: bigint) => boolean> {
  if (orderScope === undefined) {
    return () => true;
  }
  const visible = await readOrdersOfSources(db, orderIds, orderScope);
  return (orderId) => visible.has(orderId);
}

/** Whether the caller may see an order; see `visibilityOf`. */
export async function isVisible(
  deps: Pick<OperationDeps, "db">,
  orderId: bigint,
  { orderScope }: Scoped,
): Promise<boolean> {
  return orderScope === undefined || (await readOrdersOfSources(deps.db, [orderId], orderScope)).has(orderId);
}

/**
 * @throws OperationError "not-found" for an order that the caller may not see
 */
export async function assertVisible(deps: Pick<OperationDeps, "db">, orderId: bigint, context: Scoped): Promise<void> {
  if (!(await isVisible(deps, orderId, context))) {
    throw orderNotFound(orderId);
  }
}
