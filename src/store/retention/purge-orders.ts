import { type Kysely, sql, type Transaction } from "kysely";
import { idList } from "../mysql/literals.ts";
import { inTransaction } from "../mysql/transaction.ts";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";
import { readEndedOrders } from "./ended-orders.ts";

/** Number of rows deleted. */
export interface PurgedRows {
  readonly history: number;
  readonly ledger: number;
  /** More rows than one transaction deletes: call again. */
  readonly more: boolean;
}

/** Maximum number of rows of a table deleted in one transaction: a few milliseconds. */
const MAX_ROWS = 500;

/**
 * Deletes history and ledger rows of those of the orders that have ended, in one transaction that
 * waits for no lock: a locked order is left for the next pass.
 *
 * The history is deleted first, oldest rows first, and the ledger after it: a crash leaves the end
 * of an order's history with all its ledger rows, or ledger rows alone. So a replay, which makes
 * ledger rows from the history, finds no event whose ledger rows are purged.
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

/** Locks the status rows, which every change locks first. */
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
 * Deletes an order's oldest rows first. The ids are read from an index without locks; only the
 * deleted rows are locked. Open ledger entries stay: an operator may just have retried one.
 *
 * @returns number of rows read; `MAX_ROWS` if there may be more
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
