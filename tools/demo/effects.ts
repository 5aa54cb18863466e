import type { Order } from "./orders.ts";

/** An expected effect of an Action. */
export interface Effect {
  readonly action: Action;
  readonly orderId: bigint;
  /** The event's message id, or its prefix where the server chooses the rest. */
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

/**
 * The effects of a state change. Written independently of the service's registry of Actions, to
 * verify it.
 */
export function dueAfterStatus(order: Order, status: number, version: number): Effect[] {
  const delivered = status === 6010;
  const matches: Record<Action, boolean> = {
    // CREATED is not notified: the marketplace sent the order itself.
    "third-party-notify": isMarketplace(order) && status !== 1000,
    "settlement-push": [6010, 6020, 6030, 6040].includes(status),
    "gift-record": delivered,
    "e-invoice": delivered && order.kind === "recharge card",
    "finance-push": delivered && ["enterprise", "marketplace", "iQIYI recharge"].includes(order.kind),
    "customer-message": delivered || status === 4010,
  };
  return ACTIONS.filter((action) => matches[action]).map((action) => ({
    action,
    orderId: order.id,
    messageId: `${order.id}-${version}`,
  }));
}

/** A marketplace is notified of a new carrier. */
export function dueAfterCarrierChange(order: Order): Effect[] {
  return isMarketplace(order)
    ? [{ action: "third-party-notify", orderId: order.id, messageId: `${order.id}-delivery-` }]
    : [];
}

/** A printed invoice is mailed if requested. */
export function dueAfterInvoice(order: Order, mailed: boolean): Effect[] {
  return mailed ? [{ action: "e-invoice", orderId: order.id, messageId: `${order.id}-invoice-` }] : [];
}
