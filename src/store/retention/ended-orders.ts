import { type Kysely, type RawBuilder, sql } from "kysely";
import { STATES } from "../../domain/state-machine.ts";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";

/** An order in a final state, or deleted from the legacy tables. */
export interface EndedOrder {
  readonly orderId: bigint;
  /** Whether it was deleted from the legacy tables. */
  readonly missing: boolean;
}

const FINAL = STATES.filter(({ final }) => final).map(({ code }) => code);

/**
 * Those of the orders (at most a thousand) whose status row allows a purge: in a final state and
 * not changed since `before`, or missing.
 */
export async function readInactiveOrders(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  before: Date,
): Promise<EndedOrder[]> {
  return select(db, orderIds, inactive(before));
}

/**
 * Those of the orders that can be purged: in a final state or missing, without any change since
 * `before`, and without PENDING, RETRYING or PARKED entries of any age. Reads each order's last
 * history row and all its ledger rows, by indexes.
 */
export async function readEndedOrders(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  before: Date,
): Promise<EndedOrder[]> {
  return select(db, orderIds, ended(before));
}

/**
 * Those of the orders (at most a thousand) that have ended and whose history and ledger are purged.
 */
export async function readPurgedOrders(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  before: Date,
): Promise<EndedOrder[]> {
  return select(
    db,
    orderIds,
    sql`(select 1 from ${history} h where h.order_id = d.order_id limit 1) is null
      and (select 1 from ${ledger} l where l.order_id = d.order_id limit 1) is null
      and ${inactive(before)} and ${notReturned(before)}`,
  );
}

const status = sql.table("oms_db.oms_order_status");
const history = sql.table("oms_db.oms_status_history");
const ledger = sql.table("oms_db.oms_action_ledger");
const returns = sql.table("oms_db.oms_return_request");

/**
 * `d` is the order, `s` its status row, if any. Below, `(select … limit 1) is null` is a "not
 * exists" that the optimizer cannot turn into a scan of the whole table, which it sometimes
 * estimates as cheaper.
 */
function inactive(before: Date): RawBuilder<unknown> {
  return sql`
    (s.order_id is null
      or (s.order_status in (${sql.join(FINAL)}) and (s.update_date is null or s.update_date < ${before})))`;
}

function ended(before: Date): RawBuilder<unknown> {
  return sql`${inactive(before)}
    and coalesce(
      (select h.record_time from ${history} h where h.order_id = d.order_id order by h.id desc limit 1) < ${before}, true)
    and (
      select 1 from ${ledger} l where l.order_id = d.order_id
      and (l.state in (${sql.join([...OPEN_STATES])}) or l.first_time >= ${before} or l.finish_time >= ${before})
      limit 1) is null
    and ${notReturned(before)}`;
}

function notReturned(before: Date): RawBuilder<unknown> {
  return sql`(
      select 1 from ${returns} r where r.order_id = d.order_id and r.request_time >= ${before} limit 1) is null`;
}

async function select(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  condition: RawBuilder<unknown>,
): Promise<EndedOrder[]> {
  if (orderIds.length === 0) {
    return [];
  }
  const json = JSON.stringify(orderIds.map(String));
  const { rows } = await sql<{ order_id: bigint; gone: unknown }>`
    select d.order_id, s.order_id is null as gone
    from json_table(${json}, '$[*]' columns (order_id bigint path '$')) d
    left join ${status} s on s.order_id = d.order_id
    where ${condition}`.execute(db);
  return rows.map(({ order_id, gone }) => ({ orderId: order_id, missing: Number(gone) === 1 }));
}
