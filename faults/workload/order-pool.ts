import { makeOrder, type Order } from "../../tools/demo/orders.ts";
import { createOrderJournal, type OrderJournal } from "./journal.ts";
import type { Rows } from "./rows.ts";

/** Orders for the lives to come; the n-th of each kind is the same in every run. */
export interface OrderPool {
  /** One to be brought by SubmitOrder. */
  nextToSubmit(): Order;
  /** One that is in the tables; undefined while there is none. */
  nextInserted(): OrderJournal | undefined;
  /** Fills in the first ones. */
  fill(): Promise<void>;
  /** Waits until nothing is being inserted. */
  idle(): Promise<void>;
}

/** Orders inserted at once, and how many wait to be told of at least. */
const INSERTED = 200;
const IN_STOCK = 200;

/** Ids for each way in. Together they are half a second: ids that the service gives out are microseconds, too. */
const IDS = 250_000;

export const ID_RANGE_MS = (2 * IDS) / 1_000;

/**
 * @param firstId no order has this or a greater one
 * @param keep told of each journal that is begun
 */
export function createOrderPool(rows: Rows, firstId: bigint, keep: (journal: OrderJournal) => void): OrderPool {
  const waiting: OrderJournal[] = [];
  let submitted = 0;
  let made = 0;
  let inserting: Promise<void> | undefined;

  const nextWhole = (): Order => {
    const order = makeOrder(firstId + BigInt(IDS), made);
    made += 1;
    // Only the flow splits an order.
    return order.isParent ? nextWhole() : order;
  };

  const insert = async () => {
    const orders = Array.from({ length: INSERTED }, nextWhole);
    await rows.insert(orders);
    for (const order of orders) {
      const journal = createOrderJournal(order, "inserted");
      keep(journal);
      waiting.push(journal);
    }
    inserting = undefined;
  };

  const refill = () => {
    if (waiting.length < IN_STOCK) {
      inserting ??= insert();
    }
  };

  return {
    nextToSubmit() {
      const order = makeOrder(firstId, submitted);
      submitted += 1;
      return order;
    },
    nextInserted() {
      const next = waiting.shift();
      refill();
      return next;
    },
    async fill() {
      refill();
      await inserting;
    },
    async idle() {
      await inserting;
    },
  };
}
