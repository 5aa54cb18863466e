import type { Kysely } from "kysely";
import { idList } from "../mysql/literals.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { Database } from "../schema.ts";
import { readPurgedOrders } from "./ended-orders.ts";
import { nextKey, PAGE_SIZE, type Page } from "./scan.ts";

/** Sorts before all request ids. */
export const FIRST_REQUEST_ID = Buffer.alloc(0);

/**
 * Reads a page of request ids and deletes those older than `before` whose orders are purged: an id
 * is known at least as long as the change it made. Scans the whole table, as an index by order
 * would make every change more expensive.
 */
export async function purgeRequestIds(
  session: Kysely<Database>,
  after: Buffer,
  before: Date,
): Promise<Page<Buffer> & { readonly deleted: number }> {
  const rows = await session
    .selectFrom("oms_db.oms_request")
    .select(["request_id", "order_id", "record_time"])
    .where("request_id", ">", after)
    .orderBy("request_id")
    .limit(PAGE_SIZE)
    .execute();
  const old = rows.filter(({ record_time }) => record_time < before);
  const orders = await readPurgedOrders(session, [...new Set(old.map(({ order_id }) => order_id))], before);
  const purged = new Set(orders.map(({ orderId }) => orderId));
  const ids = old.filter(({ order_id }) => purged.has(order_id)).map(({ request_id }) => request_id);
  if (ids.length > 0) {
    await withRetries(() => session.deleteFrom("oms_db.oms_request").where("request_id", "in", ids).execute());
  }
  return { deleted: ids.length, next: rows.length === PAGE_SIZE ? rows.at(-1)?.request_id : undefined };
}

/** Deletes the rows older than `before` in a page of the request log. */
export async function purgeRequestLog(
  session: Kysely<Database>,
  after: bigint,
  before: Date,
): Promise<Page<bigint> & { readonly deleted: number }> {
  const rows = await session
    .selectFrom("oms_db.oms_request_log")
    .select(["id", "record_time"])
    .where("id", ">", after)
    .orderBy("id")
    .limit(PAGE_SIZE)
    .execute();
  const isOld = ({ record_time }: { readonly record_time: Date }) => record_time < before;
  const ids = rows.filter(isOld).map(({ id }) => id);
  if (ids.length > 0) {
    await withRetries(() => session.deleteFrom("oms_db.oms_request_log").where("id", "in", idList(ids)).execute());
  }
  return { deleted: ids.length, next: nextKey(rows, isOld) };
}
