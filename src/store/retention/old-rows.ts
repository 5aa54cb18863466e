import type { Kysely } from "kysely";
import type { Database } from "../schema.ts";

/** Some rows of a walk through a table by its key. */
export interface Page<Key> {
  /** Go on after this key; undefined where the walk is at its end. */
  readonly next: Key | undefined;
}

/** Rows that one read takes: a few milliseconds, rows from the disk included. */
export const PAGE_SIZE = 500;

/** Goes on behind the last row, unless there are no more or they are all young: ids grow with time. */
export function nextKey<Row extends { readonly id: bigint }>(
  rows: readonly Row[],
  isOld: (row: Row) => boolean,
): bigint | undefined {
  const last = rows.at(-1);
  return last !== undefined && rows.length === PAGE_SIZE && isOld(last) ? last.id : undefined;
}

/** The orders of some history rows that are older than `before`, each once. */
export async function readOrdersOfHistory(
  session: Kysely<Database>,
  after: bigint,
  before: Date,
): Promise<Page<bigint> & { readonly orderIds: readonly bigint[] }> {
  const rows = await session
    .selectFrom("oms_db.oms_status_history")
    .select(["id", "order_id", "record_time as time"])
    .where("id", ">", after)
    .orderBy("id")
    .limit(PAGE_SIZE)
    .execute();
  return toOrders(rows, before);
}

/** The same for the ledger: it may have rows of orders that have no history. */
export async function readOrdersOfLedger(
  session: Kysely<Database>,
  after: bigint,
  before: Date,
): Promise<Page<bigint> & { readonly orderIds: readonly bigint[] }> {
  const rows = await session
    .selectFrom("oms_db.oms_action_ledger")
    .select(["id", "order_id", "first_time as time"])
    .where("id", ">", after)
    .orderBy("id")
    .limit(PAGE_SIZE)
    .execute();
  return toOrders(rows, before);
}

function toOrders(
  rows: readonly { readonly id: bigint; readonly order_id: bigint; readonly time: Date }[],
  before: Date,
) {
  const isOld = ({ time }: { readonly time: Date }) => time < before;
  return {
    orderIds: [...new Set(rows.filter(isOld).map(({ order_id }) => order_id))],
    next: nextKey(rows, isOld),
  };
}
