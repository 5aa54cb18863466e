import type { Order } from "../../domain/order.ts";
import { type Literal, literal, sqlTime, valuesClause } from "../mysql/literals.ts";
import type { Rows } from "../mysql/read.ts";
import { statementText } from "../mysql/statement.ts";
import { insertOrders } from "../orders/insert-orders.ts";
import { legacyMainValues } from "../orders/write-orders.ts";
import { firstDueTime, outboxValues } from "../outbox/write-events.ts";
import type { Tables } from "./connector.ts";
import type { BatchPlan } from "./plan.ts";
import { rowsOf } from "./session.ts";

export interface WriteOptions {
  readonly tables: Tables;
  readonly ledgerWatchMs: number;
}

/** The statements that write a batch, in order; `status` change the orders. */
export interface BatchStatements {
  readonly status: readonly string[];
  readonly rest: readonly string[];
  /** Reads the id of the first event after the commit; none without events. */
  readonly outboxId: readonly string[];
}

/** One statement per table; none for a plan that changes nothing. */
export function writeBatch(plan: BatchPlan, { tables, ledgerWatchMs }: WriteOptions): BatchStatements {
  const { now, orders, legacyUpdates, history, events, answers } = plan;
  if (!changesAnything(plan)) {
    return { status: [], rest: [], outboxId: [] };
  }
  const time = literal(now);
  const status = [
    ...insertOrders(tables, plan.created, now),
    ...(orders.length <= FEW_ORDERS
      ? orders.map((order) => updateOrder(tables, order, time))
      : [updateOrders(tables, orders, time)]),
    ...Array.from(legacyUpdates, ([columns, orderIds]) => {
      const values = Object.entries({ ...legacyMainValues(columns, now), update_date: now });
      const assignments = values.map(([column, value]) => `${column} = ${literal(value)}`);
      return `update ${tables.main} set ${assignments.join(", ")} where order_id in (${orderIds.join(",")})`;
    }),
    ...plan.statements.map(statementText),
  ];
  const ledger = ledgerRows(plan, tables.idStep, ledgerWatchMs);
  const rest = [
    ...unlessEmpty(history, () => `insert into ${tables.history} ${valuesClause(HISTORY_COLUMNS, historyRows(plan))}`),
    ...(events.length === 0 ? [] : [`insert into ${tables.outbox} ${outboxValues(events)}`, KEEP_OUTBOX_ID]),
    ...unlessEmpty(
      ledger,
      () =>
        `insert into ${tables.ledger} (message_id, action, order_id, outbox_id, state, next_attempt_time, first_time)` +
        ` values ${ledger.join(",")} on duplicate key update message_id = message_id`,
    ),
    ...unlessEmpty(answers, () => `insert into ${tables.request} ${valuesClause(REQUEST_COLUMNS, answerRows(plan))}`),
  ];
  return { status, rest, outboxId: unlessEmpty(events, () => READ_OUTBOX_ID) };
}

function changesAnything({ created, orders, statements, history, events, answers }: BatchPlan): boolean {
  return [created, orders, statements, history, events, answers].some(({ length }) => length > 0);
}

function unlessEmpty(rows: readonly unknown[], statement: () => string): string[] {
  return rows.length === 0 ? [] : [statement()];
}

/** Orders up to which a statement each costs less than one that reads their values as a table. */
const FEW_ORDERS = 8;

function updateOrder({ status, statusIndex }: Tables, order: Order, time: string): string {
  return (
    `update ${status} s ${statusIndex} set s.order_status = ${order.status}, s.is_pause = ${Number(order.paused)},` +
    ` s.is_finish = ${Number(order.isFinish)}, s.version = ${order.version}, s.passed_states = ${order.passed},` +
    ` s.status_time = ${literal(order.statusTime)}, s.update_date = ${time} where s.order_id = ${order.orderId}`
  );
}

/**
 * Many rows, each with its own values, in one update that never inserts: a legacy table may have
 * columns that an insert would have to fill. The values are JSON, which both engines read as a
 * table.
 */
function updateOrders({ status, statusIndex }: Tables, orders: readonly Order[], time: string): string {
  const rows = orders.map((order) => {
    const statusTime = order.statusTime === null ? "null" : `"${sqlTime(order.statusTime)}"`;
    return `[${order.orderId},${order.status},${Number(order.paused)},${Number(order.isFinish)},${order.version},${order.passed},${statusTime}]`;
  });
  return (
    `update json_table('[${rows.join(",")}]', '$[*]' columns (` +
    "order_id bigint path '$[0]', order_status int path '$[1]', is_pause int path '$[2]', is_finish int path '$[3]'," +
    " version int path '$[4]', passed_states int path '$[5]', status_time datetime(3) path '$[6]')) d" +
    ` straight_join ${status} s ${statusIndex} on s.order_id = d.order_id` +
    " set s.order_status = d.order_status, s.is_pause = d.is_pause, s.is_finish = d.is_finish, s.version = d.version," +
    ` s.passed_states = d.passed_states, s.status_time = d.status_time, s.update_date = ${time}`
  );
}

const HISTORY_COLUMNS = [
  "order_id",
  "version",
  "from_status",
  "to_status",
  "outcome",
  "occur_time",
  "record_time",
  "caller",
  "operator",
  "request_id",
  "remark",
  "traceparent",
  "authenticated_operator",
] as const;

function historyRows({ history, now }: BatchPlan): Literal[][] {
  return history.map((row) => [
    row.orderId,
    row.version,
    row.fromStatus,
    row.toStatus,
    row.outcome,
    row.occurTime,
    now,
    row.caller,
    row.operator,
    row.requestId,
    row.remark,
    row.traceparent,
    row.authenticatedOperator,
  ]);
}

/** Each row refers to its event's outbox row by the distance from the first id. */
function ledgerRows({ events, now }: BatchPlan, idStep: bigint, ledgerWatchMs: number): string[] {
  const watchedFrom = firstDueTime(now, ledgerWatchMs);
  const time = literal(now);
  return events.flatMap(({ row, actions }, index) =>
    actions.map(
      ({ action, due = watchedFrom }) =>
        `(${literal(row.messageId)},${literal(action)},${row.orderId},@oms_outbox_id+${idStep * BigInt(index)},'PENDING',${literal(due)},${time})`,
    ),
  );
}

const REQUEST_COLUMNS = ["request_id", "digest", "answer", "order_id", "record_time"] as const;

/** In the order of the key, so that batches with the same ids do not deadlock. */
function answerRows({ answers, now }: BatchPlan): Literal[][] {
  return answers
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, digest, answer, orderId }) => [key, digest, answer, orderId, now]);
}

/** Must follow the insert into the outbox; the ledger has ids of its own. */
const KEEP_OUTBOX_ID = "set @oms_outbox_id = last_insert_id()";
const READ_OUTBOX_ID = "select @oms_outbox_id as id";

/** The id of a batch's first event; 0 if it has none. */
export function toOutboxId(result: Rows | undefined): bigint {
  return BigInt(rowsOf<{ id: bigint | string }>(result)[0]?.id ?? 0);
}

/**
 * A query that finds a row only if a batch is committed, the first event's if there is one.
 * Undefined where none is needed: a batch that only stores answers is repeated with the same ones,
 * and its other statements are idempotent.
 *
 * @param afterOutboxId an id before those of its events: the message ids have no index
 */
export function proofOf(
  { events, history, now }: BatchPlan,
  afterOutboxId: bigint,
  tables: Tables,
): string | undefined {
  const [event] = events;
  if (event !== undefined) {
    const { messageId, recordTime, body } = event.row;
    // The message id alone is that of the order's next version, which may be another server's.
    return (
      `select id from ${tables.outbox} where id > ${afterOutboxId} and message_id = ${literal(messageId)}` +
      ` and record_time = ${literal(recordTime)} and body = ${literal(body)}`
    );
  }
  const [row] = history;
  if (row === undefined) {
    return undefined;
  }
  const { orderId, outcome, toStatus, caller, requestId } = row;
  return (
    `select id from ${tables.history} where order_id = ${orderId} and record_time = ${literal(now)}` +
    ` and outcome = ${literal(outcome)} and to_status = ${toStatus} and caller = ${literal(caller)}` +
    ` and request_id = ${literal(requestId)} limit 1`
  );
}
