import { type Insertable, sql } from "kysely";
import { expect } from "vitest";
import type { OrderDatabase } from "../../src/store/mysql/database.ts";
import type { OrderMainTable, OrderStatusTable } from "../../src/store/schema.ts";
import { eventually } from "./eventually.ts";
import { lockWaitCounter } from "./lock-waits.ts";

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

/**
 * The committed events of an order, oldest first: subject and message id, without its random part.
 */
export async function eventsOf(db: OrderDatabase, orderId: bigint): Promise<string[]> {
  const rows = await db
    .selectFrom("oms_db.oms_outbox")
    .select(["subject", "message_id"])
    .where("order_id", "=", orderId)
    .orderBy("id")
    .execute();
  return rows.map(
    ({ subject, message_id }) => `${subject} ${message_id.replace(/-[\da-f-]{36}$|-[\da-f]{40}$/, "-*")}`,
  );
}

export async function stateOf(db: OrderDatabase, orderId: bigint) {
  return db
    .selectFrom("oms_db.oms_order_status as s")
    .innerJoin("oms_db.oms_order_main as m", "m.order_id", "s.order_id")
    .select(["order_status", "is_pause", "is_finish", "version", "order_type", "is_payed", "is_refund"])
    .where("s.order_id", "=", orderId)
    .executeTakeFirstOrThrow();
}

/** The status history of an order, oldest first. */
export async function historyOf(db: OrderDatabase, orderId: bigint) {
  return db
    .selectFrom("oms_db.oms_status_history")
    .select([
      "version",
      "from_status",
      "to_status",
      "outcome",
      "occur_time",
      "caller",
      "operator",
      "request_id",
      "remark",
    ])
    .where("order_id", "=", orderId)
    .orderBy("id")
    .execute();
}

/** Locks the row of an order, as another system could, until `unlock`. */
export async function lockRow(db: OrderDatabase, orderId: bigint) {
  const acquired = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const locked = db.transaction().execute(async (trx) => {
    await trx
      .selectFrom("oms_db.oms_order_status")
      .select("order_id")
      .where("order_id", "=", orderId)
      .forUpdate()
      .execute();
    acquired.resolve();
    await release.promise;
  });
  await acquired.promise;
  return { locked, unlock: release.resolve };
}

/** Resolves when a statement waits for the row of an order. */
export async function waitsForLock(db: OrderDatabase, orderId: bigint): Promise<void> {
  await db.connection().execute(async (connection) => {
    const count = lockWaitCounter(
      async (statement) => (await sql.raw<{ id: unknown; info: unknown }>(statement).execute(connection)).rows,
      String(orderId),
    );
    await eventually(async () => expect(await count()).toBeGreaterThan(0));
  });
}
