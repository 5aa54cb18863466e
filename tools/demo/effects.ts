import type { Order } from "./orders.ts";

/** An effect that is due: which Action, for which order, by which event. */
export interface Effect {
  readonly action: Action;
  readonly orderId: bigint;
  /** The event's message id, or how it begins where its end is the server's choice. */
  readonly messageId: string;
}

export const ACTIONS = [
  "third-party-notify",
  "settlement-push",
  "gift-record",
  "e-invoice",
  "finance-push",
  "customer-message",
] as const;

export type Action = (typeof ACTIONS)[number];

const isMarketplace = ({ kind }: Order) => kind === "marketplace";

/** Who must act when an order has come into a state: the domain's table of Actions, written a second time. */
export function dueAfterStatus(order: Order, status: number, version: number): Effect[] {
  const delivered = status === 6010;
  const asked: Record<Action, boolean> = {
    // No adapter knows CREATED: the marketplace sent that order itself.
    "third-party-notify": isMarketplace(order) && status !== 1000,
    "settlement-push": [6010, 6020, 6030, 6040].includes(status),
    "gift-record": delivered,
    "e-invoice": delivered && order.kind === "recharge card",
    "finance-push": delivered && ["enterprise", "marketplace", "iQIYI recharge"].includes(order.kind),
    "customer-message": delivered || status === 4010,
  };
  return ACTIONS.filter((action) => asked[action]).map((action) => ({
    action,
    orderId: order.id,
    messageId: `${order.id}-${version}`,
  }));
}

/** A marketplace hears of its order's new carrier. */
export function dueAfterCarrierChange(order: Order): Effect[] {
  return isMarketplace(order)
    ? [{ action: "third-party-notify", orderId: order.id, messageId: `${order.id}-delivery-` }]
    : [];
}

/** A printed invoice is mailed when the caller asks for it. */
export function dueAfterInvoice(order: Order, mailed: boolean): Effect[] {
  return mailed ? [{ action: "e-invoice", orderId: order.id, messageId: `${order.id}-invoice-` }] : [];
}
