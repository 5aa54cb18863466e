import type { SystemPath } from "../../../src/integrations/systems.ts";

/** What became of the stock, in pieces; allocated = (dispatched − takenBack) + released + held. */
export interface StockSums {
  /** Set aside by the ERP. */
  allocated: number;
  /** Given back to the ERP. */
  released: number;
  /** Handed to the WMS. */
  dispatched: number;
  /** Handed to the WMS, which then agreed to a cancel. */
  takenBack: number;
  /** Set aside, and neither with the WMS nor given back. */
  held: number;
}

/** The books of the ERP and the WMS: each thing that was carried out counts, once. */
export function openStock() {
  const orders = new Map<string, StockSums>();
  const sums: StockSums = { allocated: 0, released: 0, dispatched: 0, takenBack: 0, held: 0 };

  function enter(order: StockSums, column: Exclude<keyof StockSums, "held">, pieces: number, toHeld: 1 | -1): void {
    for (const book of [order, sums]) {
      book[column] += pieces;
      book.held += toHeld * pieces;
    }
  }

  return {
    sums: (): StockSums => ({ ...sums }),
    /**
     * Something was carried out.
     *
     * @param answer the body of the answer
     * @param pieces what the request's lines add up to
     */
    count(path: SystemPath, orderId: string, answer: string, pieces: number): void {
      const order = orders.get(orderId) ?? { allocated: 0, released: 0, dispatched: 0, takenBack: 0, held: 0 };
      orders.set(orderId, order);
      if (path === "erp/allocate") {
        enter(order, "allocated", pieces, 1);
      } else if (path === "erp/release") {
        enter(order, "released", order.held, -1);
      } else if (path === "wms/dispatch") {
        enter(order, "dispatched", pieces, -1);
      } else if (path === "wms/cancel" && answer.includes("agreed")) {
        enter(order, "takenBack", order.dispatched - order.takenBack, 1);
      }
    },
    clear(): void {
      orders.clear();
      Object.assign(sums, { allocated: 0, released: 0, dispatched: 0, takenBack: 0, held: 0 });
    },
  };
}

/** What the lines of a request add up to. */
export function piecesIn({ lines }: Record<string, unknown>): number {
  const quantities = Array.isArray(lines) ? lines.map((line: { quantity?: unknown }) => Number(line?.quantity)) : [];
  return quantities.filter(Number.isFinite).reduce((sum, quantity) => sum + quantity, 0);
}
