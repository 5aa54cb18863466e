import { type Kysely, sql, type Transaction } from "kysely";
import { idList } from "../mysql/id-list.ts";
import { inTransaction } from "../mysql/transaction.ts";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";
import { readEndedOrders } from "./ended-orders.ts";

/** What was deleted, in rows. */
export interface PurgedRows {
  readonly history: number;
  readonly ledger: number;
  /** An order has more rows than one transaction takes: ask again. */
  readonly more: boolean;
}

/** Rows of one table that one transaction deletes: a few milliseconds of work. */
const MAX_ROWS = 500;

/**
 * Deletes history and ledger rows of those of the orders that are over and done with, in one transaction that waits for nobody: an order
 * that somebody has locked is left for another time, and one that is locked here has been at rest for days.
 *
 * The history goes first, oldest rows first, and never after the ledger: what is left of an order after a crash is the end of its history
 * with all of its ledger rows, or ledger rows alone. So whoever makes ledger rows of the history finds no event whose effects are
 * forgotten.
 */
export async function purgeOrders(
  session: Kysely<Database>,
  orderIds: readonly bigint[],
  before: Date,
): Promise<PurgedRows> {
  return inTransaction(session, async (trx) => {
    const locked = await lockOrders(trx, orderIds);
    const ended = (await readEndedOrders(trx, orderIds, before))
      .filter(({ orderId, missing }) => missing || locked.has(orderId))
      .map(({ orderId }) => orderId);
    if (ended.length === 0) {
      return { history: 0, ledger: 0, more: false };
    }
    const history = await deleteRows(trx, "oms_db.oms_status_history", ended);
    if (history === MAX_ROWS) {
      return { history, ledger: 0, more: true };
    }
    const ledger = await deleteRows(trx, "oms_db.oms_action_ledger", ended);
    return { history, ledger, more: ledger === MAX_ROWS };
  });
}

/** Only the status row, which every change locks first. */
async function lockOrders(trx: Transaction<Database>, orderIds: readonly bigint[]): Promise<Set<bigint>> {
  const rows = await trx
    .selectFrom("oms_db.oms_order_status")
    .select("order_id")
    .where("order_id", "in", idList(orderIds))
    .orderBy("order_id")
    .forUpdate()
    .skipLocked()
    .execute();
  return new Set(rows.map(({ order_id }) => order_id));
}

/**
 * Oldest first of each order. The ids are read from an index, without a lock; what is locked are the rows that go. Of the ledger only what is
 * done with: a person may have had something tried again a moment ago.
 *
 * @returns how many were looked at: as many as can be where there may be more
 */
async function deleteRows(
  trx: Transaction<Database>,
  table: "oms_db.oms_status_history" | "oms_db.oms_action_ledger",
  orderIds: readonly bigint[],
): Promise<number> {
  const rows = await trx
    .selectFrom(table)
    .select("id")
    .where("order_id", "in", idList(orderIds))
    .orderBy("order_id")
    .orderBy("id")
    .limit(MAX_ROWS)
    .execute();
  if (rows.length > 0) {
    const ids = rows.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1));
    await trx
      .deleteFrom(table)
      .where("id", "in", idList(ids))
      .$if(table === "oms_db.oms_action_ledger", (query) => query.where(sql<string>`state`, "not in", OPEN_STATES))
      .execute();
  }
  return rows.length;
}
