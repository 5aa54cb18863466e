import { type Kysely, sql } from "kysely";
import { MAX_COMMIT_SKEW_MS } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";
import { nextKey, PAGE_SIZE, type Page } from "./old-rows.ts";

/** Which time it was at the database so many milliseconds ago. */
export async function readTimeAgo(session: Kysely<Database>, ms: number): Promise<Date> {
  const { rows } = await sql<{ time: Date }>`select now(3) - interval ${ms * 1_000} microsecond as time`.execute(
    session,
  );
  return (rows[0] as { time: Date }).time;
}

/**
 * Looks in some outbox rows older than `before` for one that the broker may not have. Orders that changed since then may have such an event,
 * too: they are kept until it is published.
 *
 * @returns since: a time before which no order has an unpublished event, where such a row was found
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
