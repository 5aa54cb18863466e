/** What requests have in common, as far as they have it. */
export interface CommonRequestFields {
  readonly orderId?: bigint;
  readonly orderIds?: readonly bigint[];
  readonly rootOrderId?: bigint;
  readonly updates?: readonly { readonly orderId: bigint }[];
  readonly operator?: string;
  readonly requestId?: string;
}

/** The order that a request is about, the first of several; 0 where it is about none. */
export function orderIdOf({ orderId, orderIds, rootOrderId, updates }: CommonRequestFields): bigint {
  return orderId ?? orderIds?.[0] ?? rootOrderId ?? updates?.[0]?.orderId ?? 0n;
}
