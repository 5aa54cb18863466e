import type { Kysely } from "kysely";
import { idList } from "../mysql/id-list.ts";
import { withRetries } from "../mysql/transaction.ts";
import type { Database } from "../schema.ts";
import { nextKey, PAGE_SIZE, type Page } from "./old-rows.ts";

/** Deletes those of some rows of the request log that are older than `before`. */
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
