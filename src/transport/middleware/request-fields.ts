/** Fields that requests have in common. */
export interface CommonRequestFields {
  readonly orderId?: bigint;
  readonly orderIds?: readonly bigint[];
  readonly rootOrderId?: bigint;
  readonly updates?: readonly { readonly orderId: bigint }[];
  readonly operator?: string;
  readonly requestId?: string;
}

/** The order that a request is about, or the first of several; 0 for none. */
export function orderIdOf({ orderId, orderIds, rootOrderId, updates }: CommonRequestFields): bigint {
  return orderId ?? orderIds?.[0] ?? rootOrderId ?? updates?.[0]?.orderId ?? 0n;
}

/** How many orders a request is about, at least 1: its cost under a rate limit. */
export function orderCountOf({ orderIds, updates }: CommonRequestFields): number {
  return Math.max(1, (updates ?? orderIds)?.length ?? 1);
}
