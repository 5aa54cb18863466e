/** The order sources and types that are treated specially. */
export interface OrderKinds {
  /** Third-party sources: the marketplace is notified of every change. */
  readonly marketplaceSources: readonly number[];
  /** Enterprise orders: pushed to finance. */
  readonly enterpriseTypes: readonly number[];
  /** Recharge cards, virtual goods: e-invoice on delivery. */
  readonly rechargeCardTypes: readonly number[];
  /** iQIYI recharges, virtual goods: pushed to finance. */
  readonly iqiyiRechargeTypes: readonly number[];
  /** Sources whose unpaid orders never expire (legacy operation 9). */
  readonly noPaymentTimeoutSources: readonly number[];
  /** Retail-store replenishment (legacy operation 15). */
  readonly replenishmentSources: readonly number[];
  /** Types that do not count as sub-orders (legacy operation 10). */
  readonly uncountedSubOrderTypes: readonly number[];
}

/**
 * 1025, 1010, 10010, 41, 5 and 4 are the legacy system's numbers; the others are this project's
 * choice.
 */
export const DEFAULT_ORDER_KINDS: OrderKinds = {
  marketplaceSources: [2001, 2002, 2003],
  enterpriseTypes: [21],
  rechargeCardTypes: [31],
  iqiyiRechargeTypes: [32],
  noPaymentTimeoutSources: [1025],
  replenishmentSources: [1010, 10010],
  uncountedSubOrderTypes: [41, 5, 4],
};

/** Where an order comes from and what it is. */
export interface SourceAndType {
  readonly orderSource: number;
  readonly orderType: number;
}

/** A third-party order: its marketplace is notified of every change. */
export function isMarketplace(kinds: OrderKinds, order: SourceAndType): boolean {
  return kinds.marketplaceSources.includes(order.orderSource);
}

/** Goods that are neither allocated nor shipped: PAID leads to DELIVERED. */
export function isVirtual(kinds: OrderKinds, order: SourceAndType): boolean {
  return kinds.rechargeCardTypes.includes(order.orderType) || kinds.iqiyiRechargeTypes.includes(order.orderType);
}

/** An order that is pushed to finance when it is delivered. */
export function isForFinance(kinds: OrderKinds, order: SourceAndType): boolean {
  return (
    kinds.enterpriseTypes.includes(order.orderType) ||
    kinds.iqiyiRechargeTypes.includes(order.orderType) ||
    isMarketplace(kinds, order)
  );
}

/** Whether an unpaid order expires. */
export function expires(kinds: OrderKinds, { orderSource }: Pick<SourceAndType, "orderSource">): boolean {
  return !kinds.noPaymentTimeoutSources.includes(orderSource);
}

/**
 * The shipment types, a fixed list as in the legacy system (legacy operation 12, getShipmentType).
 */
export const SHIPMENT_TYPES: readonly { readonly code: number; readonly name: string }[] = [
  { code: 1, name: "普通快递" },
  { code: 2, name: "次日达" },
  { code: 3, name: "当日达" },
  { code: 4, name: "冷链配送" },
  { code: 5, name: "门店自提" },
  { code: 6, name: "虚拟发货" },
];
