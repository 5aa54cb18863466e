import { type Kysely, sql } from "kysely";
import { createBatcher } from "../../lib/batcher.ts";
import { idList, valuesClause } from "../mysql/literals.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { Database } from "../schema.ts";

export interface Settlement {
  readonly messageId: string;
  readonly orderId: bigint;
  readonly orderStatus: number;
  readonly lines: readonly { readonly skuId: bigint; readonly quantity: number }[];
}

/** Adds an order to the settlement queue, once per message id; false if it was there already. */
export async function insertSettlement(db: Kysely<Database>, settlement: Settlement): Promise<boolean> {
  return (await insertSettlements(db, [settlement])) === 1n;
}

/** Marks the order's gift records as given. Idempotent except for the time. */
export function markGift(db: Kysely<Database>, orderId: bigint): Promise<void> {
  return markGifts(db, [orderId]);
}

/** `insertSettlement`; concurrent calls share a statement. */
export function settlementWriter(db: Kysely<Database>): (settlement: Settlement) => Promise<void> {
  return batchEffects((settlements) => insertSettlements(db, settlements));
}

/** `markGift`; concurrent calls share a statement. */
export function giftMarker(db: Kysely<Database>): (orderId: bigint) => Promise<void> {
  return batchEffects((orderIds) => markGifts(db, orderIds));
}

/** Maximum number of effects in one statement. */
const MAX_BATCH = 256;

/** Time for which effects are collected for one statement, in ms: part of their latency. */
const WINDOW_MS = 2;

/**
 * Writes effects in batches. After a failure each is written by itself, so that only the rejected
 * ones fail.
 */
function batchEffects<In>(write: (items: readonly In[]) => Promise<unknown>): (item: In) => Promise<void> {
  const failureOf = (item: In) =>
    write([item]).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
  const writeBatched = createBatcher<In, { readonly error: unknown } | undefined>(
    (items) =>
      write(items).then(
        () => items.map(() => undefined),
        () => Promise.all(items.map(failureOf)),
      ),
    { maxBatch: MAX_BATCH, windowMs: WINDOW_MS },
  );
  return async (item) => {
    const failure = await writeBatched(item);
    if (failure !== undefined) {
      throw failure.error;
    }
  };
}

/** @returns number of rows inserted */
async function insertSettlements(db: Kysely<Database>, settlements: readonly Settlement[]): Promise<bigint> {
  const now = new Date();
  const rows = settlements.map(({ messageId, orderId, orderStatus, lines }) => [
    orderId,
    orderStatus,
    messageId,
    JSON.stringify(lines.map(({ skuId, quantity }) => ({ skuId: String(skuId), quantity }))),
    now,
  ]);
  const { numAffectedRows } = await withRetries(() =>
    sql`insert ignore into ${sql.table("oms_db.oms_order_status_rule")} ${sql.raw(valuesClause(SETTLEMENT_COLUMNS, rows))}`.execute(
      db,
    ),
  );
  return numAffectedRows ?? 0n;
}

const SETTLEMENT_COLUMNS = ["order_id", "order_status", "message_id", "settlement_lines", "create_date"] as const;

async function markGifts(db: Kysely<Database>, orderIds: readonly bigint[]): Promise<void> {
  await withRetries(() =>
    db
      .updateTable("wmsindb.oms_gift_cust_record")
      .set({ gift_status: 1, update_date: new Date() })
      .where("order_id", "in", idList(orderIds))
      .execute(),
  );
}
