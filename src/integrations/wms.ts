import type { SystemClients } from "./clients.ts";
import { lineBody, type StockLine } from "./erp.ts";
import { type CallOptions, type Outcome, refusalReason } from "./external-client.ts";

/** The WMS's answer to a cancel request. */
export type CancelAnswer =
  | { readonly kind: "agreed" }
  | { readonly kind: "refused"; readonly reason: string }
  /** The WMS will call CloseCancel itself. */
  | { readonly kind: "later" }
  | Exclude<Outcome, { readonly kind: "done" }>;

/** The WMS, which runs the warehouses. */
export interface Wms {
  /** Hands an order to its warehouse; "reject" with the WMS's reason where it refuses. */
  dispatch(
    key: string,
    order: { readonly orderId: bigint; readonly warehouseId: bigint; readonly lines: readonly StockLine[] },
    options: CallOptions,
  ): Promise<Outcome>;
  /** Asks for an order back. */
  cancel(
    key: string,
    order: { readonly orderId: bigint; readonly cancelId: bigint },
    options: CallOptions,
  ): Promise<CancelAnswer>;
}

export function createWms({ dispatch, cancel }: SystemClients["wms"]): Wms {
  return {
    async dispatch(key, { orderId, warehouseId, lines }, options) {
      const body = { orderId: String(orderId), warehouseId: String(warehouseId), lines: lines.map(lineBody) };
      const { outcome } = await dispatch.send(key, body, options);
      return outcome;
    },
    async cancel(key, { orderId, cancelId }, options) {
      const body = { orderId: String(orderId), cancelId: String(cancelId) };
      const { outcome, body: reply } = await cancel.send(key, body, options);
      if (outcome.kind !== "done") {
        return outcome;
      }
      switch (reply.answer) {
        case "agreed":
        case "later":
          return { kind: reply.answer };
        case "refused":
          return { kind: "refused", reason: refusalReason(reply) };
        default:
          // It may have carried the cancel out.
          return { kind: "retry", reason: 'the WMS\'s answer is not "agreed", "refused" or "later"' };
      }
    },
  };
}
