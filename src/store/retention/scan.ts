import { type Kysely, sql } from "kysely";
import { MAX_COMMIT_SKEW_MS } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";

/** A page of a scan through a table by its key. */
export interface Page<Key> {
  /** The next page starts after this key; undefined on the last page. */
  readonly next: Key | undefined;
}

/** Rows per page: a few milliseconds, including reads from disk. */
export const PAGE_SIZE = 500;

/** Key after which the scan continues; undefined when no old rows follow, as ids grow with time. */
export function nextKey<Row extends { readonly id: bigint }>(
  rows: readonly Row[],
  isOld: (row: Row) => boolean,
): bigint | undefined {
  const last = rows.at(-1);
  return last !== undefined && rows.length === PAGE_SIZE && isOld(last) ? last.id : undefined;
}

/** The orders of a page of history rows that are older than `before`, without duplicates. */
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

/** As `readOrdersOfHistory`, for the ledger, which may have rows of orders without history. */
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

/** The database's time, minus a duration in milliseconds. */
export async function readTimeAgo(session: Kysely<Database>, ms: number): Promise<Date> {
  const { rows } = await sql<{ time: Date }>`select now(3) - interval ${ms * 1_000} microsecond as time`.execute(
    session,
  );
  return (rows[0] as { time: Date }).time;
}

/**
 * Searches a page of outbox rows for one older than `before` that the broker may not have. Orders
 * that changed since then may have such an event: they are kept until it is published.
 *
 * @returns since: if such a row was found, a time before which no order has an unpublished event
 */
export async function findUnpublished(
  session: Kysely<Database>,
  after: bigint,
  before: Date,
): Promise<Page<bigint> & { readonly since: Date | undefined }> {
  const rows = await session
    .selectFrom("oms_db.oms_outbox")
    .select(["id", "published", "record_time"])
    .where("id", ">", after)
    .orderBy("id")
    .limit(PAGE_SIZE)
    .execute();
  const found = rows.find(({ published, record_time }) => published === 0 && record_time < before);
  return found === undefined
    ? { since: undefined, next: nextKey(rows, ({ record_time }) => record_time < before) }
    : { since: new Date(found.record_time.getTime() - MAX_COMMIT_SKEW_MS), next: undefined };
}
