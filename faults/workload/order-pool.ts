import { makeOrder, type Order } from "../../tools/demo/orders.ts";
import { createOrderJournal, type OrderJournal } from "./journal.ts";
import type { Rows } from "./rows.ts";

/** Supplies orders for scenarios; the n-th order of each kind is the same in every run. */
export interface OrderPool {
  /** An order to submit by SubmitOrder. */
  nextToSubmit(): Order;
  /** An order whose rows are in the tables; undefined while there is none. */
  nextInserted(): OrderJournal | undefined;
  /** Inserts the first orders. */
  fill(): Promise<void>;
  /** Waits for the current insertion. */
  idle(): Promise<void>;
}

/** Orders per insertion, and the supply below which more are inserted. */
const INSERTED = 200;
const MIN_SUPPLY = 200;

/**
 * Size of the id range of each origin. Ids that the service generates are based on microseconds, so
 * the two ranges correspond to half a second.
 */
const IDS = 250_000;

export const ID_RANGE_MS = (2 * IDS) / 1_000;

/**
 * @param firstId no order has this id or a greater one
 * @param onJournal called with each journal that is started
 */
export function createOrderPool(rows: Rows, firstId: bigint, onJournal: (journal: OrderJournal) => void): OrderPool {
  const supply: OrderJournal[] = [];
  let submitted = 0;
  let made = 0;
  let inserting: Promise<void> | undefined;

  const nextUnsplit = (): Order => {
    const order = makeOrder(firstId + BigInt(IDS), made);
    made += 1;
    // Only the flow splits an order.
    return order.isParent ? nextUnsplit() : order;
  };

  const insert = async () => {
    const orders = Array.from({ length: INSERTED }, nextUnsplit);
    await rows.insert(orders);
    for (const order of orders) {
      const journal = createOrderJournal(order, "inserted");
      onJournal(journal);
      supply.push(journal);
    }
    inserting = undefined;
  };

  const refill = () => {
    if (supply.length < MIN_SUPPLY) {
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
      const next = supply.shift();
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
