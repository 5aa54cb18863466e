import type { OrderKinds } from "./order-kinds.ts";

/** An order can be paid for this long after its creation, in milliseconds (old operation 9). */
export const PAYMENT_TIMEOUT_MS = 30 * 60 * 1000;

export type NotPayableReason = "EXPIRED" | "CANCEL_REQUESTED";

/** Old operation 9, getPayCheckOrder: undefined where the order may be paid. */
export function notPayableReason(
  kinds: OrderKinds,
  order: { readonly orderSource: number; readonly createTime: Date; readonly cancelRequested: boolean },
  now: Date,
): NotPayableReason | undefined {
  const expires = !kinds.noPaymentTimeoutSources.includes(order.orderSource);
  if (expires && now.getTime() - order.createTime.getTime() >= PAYMENT_TIMEOUT_MS) {
    return "EXPIRED";
  }
  return order.cancelRequested ? "CANCEL_REQUESTED" : undefined;
}
