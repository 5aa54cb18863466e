import { type Kysely, type RawBuilder, sql } from "kysely";
import type { StatusChanged } from "../../domain/events.ts";
import { findLastOld } from "../../lib/binary-search.ts";
import { idList } from "../mysql/literals.ts";
import type { Database } from "../schema.ts";
import { CHANGE_COLUMNS, type ChangeRow, JOIN_ORDER, toChange } from "./history.ts";

/** A status change that an Action has no ledger row for. */
export interface UndeliveredChange {
  readonly change: StatusChanged;
  /** Whether it is the order's last change. */
  readonly latest: boolean;
}

const history = sql.table("oms_db.oms_status_history");

/** The undelivered changes of at least one order, by order and version. */
export async function readUndeliveredOfOrders(
  db: Kysely<Database>,
  action: string,
  orderIds: readonly bigint[],
): Promise<readonly UndeliveredChange[]> {
  return select(
    db,
    action,
    sql`(select * from ${history} where order_id in ${idList(orderIds)} and outcome = 'APPLIED')`,
    sql`h.order_id, h.version`,
  );
}

/**
 * The undelivered changes in a page of the history, oldest first.
 *
 * @returns last: the page's last row; undefined on the last page
 */
export async function readUndeliveredAfter(
  db: Kysely<Database>,
  action: string,
  { afterId, limit }: { readonly afterId: bigint; readonly limit: number },
): Promise<{
  readonly changes: readonly UndeliveredChange[];
  readonly last: { readonly id: bigint; readonly recordTime: Date } | undefined;
}> {
  const last = await db
    .selectFrom("oms_db.oms_status_history")
    .select(["id", "record_time as recordTime"])
    .where("id", ">", afterId)
    .orderBy("id")
    .limit(1)
    .offset(limit - 1)
    .executeTakeFirst();
  const until = last === undefined ? sql`` : sql`and id <= ${last.id}`;
  const changes = await select(
    db,
    action,
    sql`(select * from ${history} where id > ${afterId} ${until} and outcome = 'APPLIED' order by id limit ${limit})`,
    sql`h.id`,
  );
  return { changes, last };
}

/**
 * Id of the last history row committed before this time; 0 if there is none. Ids grow with time, up
 * to `MAX_COMMIT_SKEW_MS`.
 */
export function lastHistoryIdBefore(db: Kysely<Database>, time: Date): Promise<bigint> {
  return findLastOld(async (id) => {
    const row = await db
      .selectFrom("oms_db.oms_status_history")
      .select(["id", "record_time"])
      .where("id", ">", id)
      .orderBy("id")
      .limit(1)
      .executeTakeFirst();
    return row !== undefined && row.record_time < time ? row.id : undefined;
  });
}

/**
 * One statement for history and ledger: an event whose ledger row was purged has no history row
 * either, and one that is committed meanwhile has both or none.
 */
async function select(
  db: Kysely<Database>,
  action: string,
  rows: RawBuilder<unknown>,
  order: RawBuilder<unknown>,
): Promise<readonly UndeliveredChange[]> {
  const found = await sql<ChangeRow & { readonly order_version: number }>`
    select ${CHANGE_COLUMNS}, s.version as order_version
    from ${rows} h
    ${JOIN_ORDER}
    left join ${sql.table("oms_db.oms_action_ledger")} l
      on l.message_id = concat(h.order_id, '-', h.version) and l.action = ${action}
    where l.id is null
    order by ${order}`.execute(db);
  return found.rows.map((row) => ({ change: toChange(row), latest: row.version === row.order_version }));
}
