import type { SystemClients } from "./clients.ts";
import { type CallOptions, type Outcome, refusalReason } from "./external-client.ts";

/** A quantity of one SKU. */
export interface StockLine {
  readonly skuId: bigint;
  readonly quantity: number;
}

/** The ERP, which keeps the stock. */
export interface Erp {
  /** Reserves stock for an order; "no-stock" where there is not enough now. */
  allocate(
    key: string,
    order: { readonly orderId: bigint; readonly lines: readonly StockLine[] },
    options: CallOptions,
  ): Promise<Outcome | { readonly kind: "no-stock"; readonly reason: string }>;
  /** Releases what is reserved for an order, if anything. */
  release(key: string, orderId: bigint, options: CallOptions): Promise<Outcome>;
}

const NO_STOCK = 409;

export function createErp({ allocate, release }: SystemClients["erp"]): Erp {
  return {
    async allocate(key, { orderId, lines }, options) {
      const body = { orderId: String(orderId), lines: lines.map(lineBody) };
      const reply = await allocate.send(key, body, options);
      return reply.status === NO_STOCK
        ? { kind: "no-stock", reason: `no stock: ${refusalReason(reply.body)}` }
        : reply.outcome;
    },
    async release(key, orderId, options) {
      const { outcome } = await release.send(key, { orderId: String(orderId) }, options);
      return outcome;
    },
  };
}

/** A line as external systems take it. */
export function lineBody({ skuId, quantity }: StockLine) {
  return { skuId: String(skuId), quantity };
}
