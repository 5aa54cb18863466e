import type { Insertable } from "kysely";
import type { OrderDatabase } from "../../../src/store/mysql/database.ts";
import type { OrderMainTable, OrderStatusTable } from "../../../src/store/schema.ts";

let lastOrderId = 5_000_000n;

/** A new order id, unique within the test file. */
export function nextOrderId(): bigint {
  lastOrderId += 1n;
  return lastOrderId;
}

/** Columns that differ from those of a default order. */
export interface OrderRows {
  readonly main?: Partial<Insertable<OrderMainTable>>;
  readonly state?: Partial<Insertable<OrderStatusTable>>;
}

/** Inserts an order of the own shop as another system does. */
export async function insertOrder(db: OrderDatabase, status: number, rows: OrderRows = {}): Promise<bigint> {
  const orderId = nextOrderId();
  await insertOrderWithId(db, orderId, status, rows);
  return orderId;
}

/** The same with a given id. */
export async function insertOrderWithId(
  db: OrderDatabase,
  order_id: bigint,
  status: number,
  { main, state }: OrderRows = {},
): Promise<void> {
  await db
    .insertInto("oms_db.oms_order_main")
    .values({ order_id, root_parent_id: order_id, is_parent: 0, order_source: 1000, order_type: 1, ...main })
    .execute();
  await db
    .insertInto("oms_db.oms_order_status")
    .values({ order_id, order_status: status, ...state })
    .execute();
}
