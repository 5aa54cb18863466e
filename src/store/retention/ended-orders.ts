import { type Kysely, type RawBuilder, sql } from "kysely";
import { STATES } from "../../domain/state-machine.ts";
import { OPEN_STATES } from "../outbox/outbox.ts";
import type { Database } from "../schema.ts";

/** An order that is over and done with. */
export interface EndedOrder {
  readonly orderId: bigint;
  /** It is no longer in the old tables. */
  readonly missing: boolean;
}

const FINAL = STATES.filter(({ final }) => final).map(({ code }) => code);

/**
 * Those of the orders that may be over and done with, by their own row alone: in a final state or gone, and not changed since `before`.
 * Takes up to a thousand orders.
 */
export async function readInactiveOrders(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  before: Date,
): Promise<EndedOrder[]> {
  return select(db, orderIds, atRest(before));
}

/**
 * Those of the orders that are over and done with: in a final state or gone, nothing happened to them since `before`, and no Action is
 * PENDING, RETRYING or PARKED, however old. Each is looked up by indexes: its last history row, and all its ledger rows.
 */
export async function readEndedOrders(
  db: Kysely<Database>,
  orderIds: readonly bigint[],
  before: Date,
): Promise<EndedOrder[]> {
  return select(db, orderIds, ended(before));
}

/** Those of the ended orders of which history and ledger have nothing left. Takes up to a thousand orders. */
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
      and ${atRest(before)} and ${notReturned(before)}`,
  );
}

const status = sql.table("oms_db.oms_order_status");
const history = sql.table("oms_db.oms_status_history");
const ledger = sql.table("oms_db.oms_action_ledger");
const returns = sql.table("oms_db.oms_return_request");

/**
 * `d` is the order that is asked for, `s` its row, if it has one. Below, `(select … limit 1) is null` says "not exists" in words that the
 * optimizer cannot turn into reading the whole table once, which it at times thinks is cheaper.
 */
function atRest(before: Date): RawBuilder<unknown> {
  return sql`
    (s.order_id is null
      or (s.order_status in (${sql.join(FINAL)}) and (s.update_date is null or s.update_date < ${before})))`;
}

function ended(before: Date): RawBuilder<unknown> {
  return sql`${atRest(before)}
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
