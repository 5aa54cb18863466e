import type { SystemPath } from "../../../src/integrations/systems.ts";

/** Stock bookings, in pieces; allocated = (dispatched − takenBack) + released + held. */
export interface StockSums {
  /** Allocated by the ERP. */
  allocated: number;
  /** Released to the ERP. */
  released: number;
  /** Dispatched to the WMS. */
  dispatched: number;
  /** Dispatched to the WMS, which then agreed to a cancel. */
  takenBack: number;
  /** Allocated, and neither dispatched nor released. */
  held: number;
}

/** Stock bookings of ERP and WMS from executed requests. */
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
     * Books an executed request.
     *
     * @param answer body of the response
     * @param pieces total quantity of the request's lines
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

/** Total quantity of the lines of a request. */
export function piecesIn({ lines }: Record<string, unknown>): number {
  const quantities = Array.isArray(lines) ? lines.map((line: { quantity?: unknown }) => Number(line?.quantity)) : [];
  return quantities.filter(Number.isFinite).reduce((sum, quantity) => sum + quantity, 0);
}
