import type { Connection } from "mysql2/promise";
import { legacyColumnsAfter } from "../../../src/domain/legacy-columns.ts";
import { type PassedStates, withState } from "../../../src/domain/passed-states.ts";
import { Status } from "../../../src/domain/state-machine.ts";

/** Orders that the database makes by itself, of consecutive ids. */
export interface BulkOrders {
  readonly first: bigint;
  readonly count: number;
  /** Every how manieth is at CREATED, with nothing behind it; all others were delivered. 1: all are at CREATED. */
  readonly openEvery: number;
}

/** What a delivered order has behind it. */
const LIFE: readonly Status[] = [Status.PAID, Status.ERP_ALLOCATED, Status.WMS_DISPATCHED, Status.DELIVERED];

/** Actions of a delivered order's last change. */
const ACTIONS = ["customer-message", "settlement-push"];

/** In one statement; a table that is empty before is built as a whole, and quickly, within the first. */
const AT_ONCE = 5_000_000;

/** Kinds of orders as the demo has them, in turn: source and type. */
const SOURCE = "elt(1 + n % 10, 1000, 1000, 1025, 2001, 2002, 1000, 2003, 1000, 1010, 10010)";
const TYPE = "if(n % 10 = 7, 21, 1)";

const PASSED = [Status.CREATED, ...LIFE].reduce<PassedStates>((passed, code) => withState(passed, code), 0);
const CREATED_COLUMNS = legacyColumnsAfter([Status.CREATED]);
const DELIVERED_COLUMNS = legacyColumnsAfter([Status.CREATED, ...LIFE]);

/**
 * Fills the tables as they are after months of service: each order with its lines, invoice, parcel and gift; each delivered one with its
 * history, the answers to its request ids, what its Actions did, and its settlement. Made within the database, which is the quickest way.
 * Orders of the same kinds as the demo's, virtual goods left out.
 */
export async function bulkInsertOrders(database: Connection, prefix: string, filling: BulkOrders): Promise<void> {
  // Rows of a table that is empty are then written a page at a time; nothing refers to anything here.
  await database.query("set session unique_checks = 0, foreign_key_checks = 0");
  for (let from = 0; from < filling.count; from += AT_ONCE) {
    const numbers = `${prefix}oms_db.seq_${from}_to_${Math.min(from + AT_ONCE, filling.count) - 1}`;
    for (const statement of statementsOf(filling, prefix, numbers)) {
      await database.query(statement);
    }
  }
  await database.query("set session unique_checks = 1, foreign_key_checks = 1");
}

function statementsOf({ first, openEvery }: BulkOrders, prefix: string, numbers: string): string[] {
  const open = `n % ${openEvery} = 0`;
  const insert = (table: string, columns: string, values: string, rest = "") =>
    `insert into ${prefix}${table} (${columns}) select ${values} from` +
    ` (select seq as n, ${first} + seq as id from ${numbers}) o ${rest}`;
  /** Only those that were delivered. */
  const lived = (table: string, columns: string, values: string, rest = "") =>
    insert(table, columns, values, `${rest} where not (${open})`);
  const steps = rowsOf(LIFE.map((code, index) => [index + 1, LIFE[index - 1] ?? Status.CREATED, code]));
  const step = `cross join (${steps}) s`;
  return [
    insert(
      "oms_db.oms_order_main",
      "order_id, parent_id, root_parent_id, is_parent, order_source, order_type, is_payed, create_date",
      `id, 0, id, 0, ${SOURCE}, ${TYPE}, if(${open}, ${CREATED_COLUMNS.main.is_payed}, ${DELIVERED_COLUMNS.main.is_payed}), now(3)`,
    ),
    insert(
      "oms_db.oms_order_status",
      "order_id, order_status, is_pause, is_finish, create_date, update_date, version, passed_states, status_time",
      `id, if(${open}, ${Status.CREATED}, ${Status.DELIVERED}), 0,` +
        ` if(${open}, ${CREATED_COLUMNS.status?.is_finish}, ${DELIVERED_COLUMNS.status?.is_finish}), now(3), now(3),` +
        ` if(${open}, 0, ${LIFE.length}), if(${open}, 0, ${PASSED}), if(${open}, null, now(3))`,
    ),
    insert(
      "oms_db.oms_order_detail",
      "order_id, sku_id, quantity",
      "id, 7000000000 + n % 5000 + l.a, 1 + n % 4",
      `cross join (${rowsOf([[0], [1]])}) l`,
    ),
    insert(
      "oms_db.oms_order_invoice",
      "order_id, invoice_status, is_invoiced, invoice_type, invoice_title, invoice_content, invoice_email",
      "id, 0, 0, 0, concat('客户 ', id), '商品明细', concat('customer-', id, '@example.com')",
    ),
    insert("oms_db.oms_order_delivery_main", "order_id, delivery_id, delivery_company, waybill_no", "id, '', '', ''"),
    insert("wmsindb.oms_gift_cust_record", "order_id, gift_status, update_date", `id, if(${open}, 0, 1), now(3)`),
    ...(openEvery === 1 ? [] : livedStatements(lived, step)),
  ];
}

function livedStatements(
  lived: (table: string, columns: string, values: string, rest?: string) => string,
  step: string,
): string[] {
  const messageId = `concat(id, '-', ${LIFE.length})`;
  return [
    lived(
      "oms_db.oms_status_history",
      "order_id, version, from_status, to_status, outcome, occur_time, record_time, caller, operator, request_id, remark",
      "id, s.a, s.b, s.c, 'APPLIED', now(3), now(3), 'wms', 'history', concat('old-', id, '-', s.a), ''",
      step,
    ),
    lived(
      "oms_db.oms_request",
      "request_id, digest, answer, order_id, record_time",
      `concat('old-', id, '-', s.a), unhex(sha1(id)), concat('["applied",', s.c, ',', s.a, ',"', id, '-', s.a, '"]'), id, now(3)`,
      step,
    ),
    lived(
      "oms_db.oms_action_ledger",
      "message_id, action, order_id, outbox_id, state, attempts_started, attempts_finished, first_time, finish_time",
      `${messageId}, c.a, id, n + 1, 'DONE', 1, 1, now(3), now(3)`,
      `cross join (${rowsOf(ACTIONS.map((name) => [`'${name}'`]))}) c`,
    ),
    lived(
      "oms_db.oms_order_status_rule",
      "order_id, order_status, message_id, settlement_lines, create_date",
      `id, ${Status.DELIVERED}, ${messageId}, '[{"skuId":"7000000001","quantity":1}]', now(3)`,
    ),
  ];
}

/** A table of values with the columns a, b, c. */
function rowsOf(rows: readonly (readonly (string | number)[])[]): string {
  return rows
    .map((row) => `select ${row.map((value, index) => `${value} as ${"abc"[index]}`).join(", ")}`)
    .join(" union all ");
}
