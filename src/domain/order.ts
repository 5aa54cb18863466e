import type { OrderFacts } from "./decide.ts";
import type { SourceAndType } from "./order-kinds.ts";
import type { VerdictFacts } from "./verdicts.ts";

/** What events and verdicts contain of an order. */
export interface OrderSummary extends VerdictFacts, SourceAndType {
  readonly orderId: bigint;
  /** The trade; 0 where a legacy row has none. */
  readonly rootParentId: bigint;
  /**
   * The number of warehouses that hold the goods; 0 for an order that the forward flow does not
   * move.
   */
  readonly warehouseCount: number;
}

/** An order as its two rows have it. */
export interface Order extends OrderSummary, OrderFacts {}
