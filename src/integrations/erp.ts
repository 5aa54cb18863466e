import type { CallOptions, ExternalClient, Outcome } from "./external-client.ts";

/** What is wanted of one SKU. */
export interface StockLine {
  readonly skuId: bigint;
  readonly quantity: number;
}

/** The ERP, which keeps the stock. */
export interface Erp {
  /** Sets stock aside for an order; "no-stock" when there is not enough now. */
  allocate(
    key: string,
    order: { readonly orderId: bigint; readonly lines: readonly StockLine[] },
    errand: CallOptions,
  ): Promise<Outcome | { readonly kind: "no-stock"; readonly reason: string }>;
  /** Gives back what is set aside for an order; nothing where nothing is. */
  release(key: string, orderId: bigint, errand: CallOptions): Promise<Outcome>;
}

const NO_STOCK = 409;

export function createErp({
  allocate,
  release,
}: {
  readonly allocate: ExternalClient;
  readonly release: ExternalClient;
}): Erp {
  return {
    async allocate(key, { orderId, lines }, errand) {
      const body = { orderId: String(orderId), lines: lines.map(lineBody) };
      const { outcome, status, body: reply } = await allocate.send(key, body, errand);
      return status === NO_STOCK ? { kind: "no-stock", reason: `no stock: ${reasonIn(reply)}` } : outcome;
    },
    release: (key, orderId, errand) => release.post(key, { orderId: String(orderId) }, errand),
  };
}

/** A line as the neighbours take it. */
export function lineBody({ skuId, quantity }: StockLine) {
  return { skuId: String(skuId), quantity };
}

/** What a neighbour gives for its no. */
export function reasonIn({ reason }: { readonly reason?: unknown }): string {
  return typeof reason === "string" && reason !== "" ? reason.slice(0, 200) : "no reason given";
}
