import { lineBody, reasonIn, type StockLine } from "./erp.ts";
import type { CallOptions, ExternalClient, Outcome } from "./external-client.ts";

/** What the WMS says to a cancel. */
export type CancelAnswer =
  | { readonly kind: "agreed" }
  | { readonly kind: "refused"; readonly reason: string }
  /** It will say so itself. */
  | { readonly kind: "later" }
  | Exclude<Outcome, { readonly kind: "done" }>;

/** The WMS, which runs the warehouses. */
export interface Wms {
  /** Hands an order to its warehouse; "reject" with the WMS's reason when it refuses. */
  dispatch(
    key: string,
    order: { readonly orderId: bigint; readonly warehouseId: bigint; readonly lines: readonly StockLine[] },
    errand: CallOptions,
  ): Promise<Outcome>;
  /** Asks for an order back. */
  cancel(
    key: string,
    order: { readonly orderId: bigint; readonly cancelId: bigint },
    errand: CallOptions,
  ): Promise<CancelAnswer>;
}

export function createWms({
  dispatch,
  cancel,
}: {
  readonly dispatch: ExternalClient;
  readonly cancel: ExternalClient;
}): Wms {
  return {
    dispatch: (key, { orderId, warehouseId, lines }, errand) =>
      dispatch.post(
        key,
        { orderId: String(orderId), warehouseId: String(warehouseId), lines: lines.map(lineBody) },
        errand,
      ),
    async cancel(key, { orderId, cancelId }, errand) {
      const body = { orderId: String(orderId), cancelId: String(cancelId) };
      const { outcome, body: reply } = await cancel.send(key, body, errand);
      if (outcome.kind !== "done") {
        return outcome;
      }
      switch (reply.answer) {
        case "agreed":
        case "later":
          return { kind: reply.answer };
        case "refused":
          return { kind: "refused", reason: reasonIn(reply) };
        default:
          return { kind: "reject", reason: "the WMS's answer says neither agreed, refused nor later" };
      }
    },
  };
}
