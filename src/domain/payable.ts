import type { OrderKinds } from "./order-kinds.ts";

export type NotPayableReason = "EXPIRED" | "CANCEL_REQUESTED";

/** Whether an unpaid order expires; only those of some sources never do. */
export function expires(kinds: OrderKinds, { orderSource }: { readonly orderSource: number }): boolean {
  return !kinds.noPaymentTimeoutSources.includes(orderSource);
}

/** Old operation 9, getPayCheckOrder: undefined where the order may be paid. */
export function notPayableReason(
  kinds: OrderKinds,
  order: { readonly orderSource: number; readonly createTime: Date; readonly cancelRequested: boolean },
  now: Date,
  timeoutMs: number,
): NotPayableReason | undefined {
  if (expires(kinds, order) && now.getTime() - order.createTime.getTime() >= timeoutMs) {
    return "EXPIRED";
  }
  return order.cancelRequested ? "CANCEL_REQUESTED" : undefined;
}
