/** Which order sources and types are special: the one table of the configuration that says so. */
export interface OrderKinds {
  /** Third-party sources: the marketplace hears of every change. */
  readonly marketplaceSources: readonly number[];
  /** Enterprise orders: pushed to finance. */
  readonly enterpriseTypes: readonly number[];
  /** Recharge cards, virtual goods: e-invoice at delivery. */
  readonly rechargeCardTypes: readonly number[];
  /** iQIYI recharges, virtual goods: pushed to finance. */
  readonly iqiyiRechargeTypes: readonly number[];
  /** Sources whose unpaid orders never expire (old operation 9). */
  readonly noPaymentTimeoutSources: readonly number[];
  /** Retail-store replenishment (old operation 15). */
  readonly replenishmentSources: readonly number[];
  /** Types that do not count as sub-orders (old operation 10). */
  readonly uncountedSubOrderTypes: readonly number[];
}

/** The old system's numbers where it had some (1025, 1010, 10010, 41, 5, 4), else this project's choice. */
export const DEFAULT_ORDER_KINDS: OrderKinds = {
  marketplaceSources: [2001, 2002, 2003],
  enterpriseTypes: [21],
  rechargeCardTypes: [31],
  iqiyiRechargeTypes: [32],
  noPaymentTimeoutSources: [1025],
  replenishmentSources: [1010, 10010],
  uncountedSubOrderTypes: [41, 5, 4],
};

/** `oms_order_main.order_type` of a cancelled order, the old system's number. */
export const CANCELLED_ORDER_TYPE = 100;

/** Where an order came from and what it is. */
export interface SourceAndType {
  readonly orderSource: number;
  readonly orderType: number;
}

/** A third-party order, whose marketplace hears of every change. */
export function isMarketplace(kinds: OrderKinds, order: SourceAndType): boolean {
  return kinds.marketplaceSources.includes(order.orderSource);
}

/** Goods that are neither allocated nor shipped: PAID leads to DELIVERED. */
export function isVirtual(kinds: OrderKinds, order: SourceAndType): boolean {
  return kinds.rechargeCardTypes.includes(order.orderType) || kinds.iqiyiRechargeTypes.includes(order.orderType);
}

/** An order that finance wants to hear of when it is delivered. */
export function isForFinance(kinds: OrderKinds, order: SourceAndType): boolean {
  return (
    kinds.enterpriseTypes.includes(order.orderType) ||
    kinds.iqiyiRechargeTypes.includes(order.orderType) ||
    isMarketplace(kinds, order)
  );
}
