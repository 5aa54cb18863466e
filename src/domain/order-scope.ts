/** The sources of the orders that a caller may see and change; undefined for all orders. */
export type OrderScope = ReadonlySet<number> | undefined;

/**
 * Whether an order of this source is in the scope. An order without a source, which counts as 0, is
 * in no scope but that of all orders.
 */
export function isInScope(scope: OrderScope, orderSource: number): boolean {
  return scope === undefined || scope.has(orderSource);
}
