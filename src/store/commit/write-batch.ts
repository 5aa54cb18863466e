import { CANCELLED_ORDER_TYPE } from "../../domain/order-kinds.ts";
import { type Literal, literal, sqlTime, valuesClause } from "../mysql/literals.ts";
import type { Order } from "../orders/order-row.ts";
import { firstDueTime } from "../outbox/append-events.ts";
import { type CommitMark, writeMark } from "./commit-mark.ts";
import type { BatchPlan } from "./plan.ts";

import type { Tables } from "./tables.ts";

export interface WriteOptions {
  readonly tables: Tables;
  readonly ledgerWatchMs: number;
  readonly mark: CommitMark;
}

/** The statements that write a batch, in turn; `status` are those that move the orders. */
export interface BatchStatements {
  readonly status: readonly string[];
  readonly rest: readonly string[];
}

/** One statement a table. Nothing of a plan that changes nothing. */
export function writeBatch(plan: BatchPlan, { tables, ledgerWatchMs, mark }: WriteOptions): BatchStatements {
  const { now, orders, paid, cancelled, history, events, answers } = plan;
  if (orders.length === 0 && history.length === 0 && answers.length === 0) {
    return { status: [], rest: [] };
  }
  const time = literal(now);
  const status = [
    ...unless(orders, () => updateStatus(tables, orders, time)),
    ...unless(
      paid,
      () => `update ${tables.main} set is_payed = 1, update_date = ${time} where order_id in (${paid.join(",")})`,
    ),
    ...unless(
      cancelled,
      () =>
        `update ${tables.main} set order_type = ${CANCELLED_ORDER_TYPE}, update_date = ${time}, modify_date = ${time}` +
        ` where order_id in (${cancelled.join(",")})`,
    ),
  ];
  const ledger = ledgerRows(plan, tables.idStep, ledgerWatchMs);
  const rest = [
    ...unless(history, () => `insert into ${tables.history} ${valuesClause(HISTORY_COLUMNS, historyRows(plan))}`),
    ...unless(events, () => `insert into ${tables.outbox} ${valuesClause(OUTBOX_COLUMNS, outboxRows(plan))}`),
    writeMark(tables, mark, events.length > 0, time),
    ...unless(
      ledger,
      () =>
        `insert into ${tables.ledger} (message_id, action, order_id, outbox_id, state, next_attempt_time, first_time)` +
        ` values ${ledger.join(",")} on duplicate key update message_id = message_id`,
    ),
    ...unless(answers, () => `insert into ${tables.request} ${valuesClause(REQUEST_COLUMNS, answerRows(plan))}`),
  ];
  return { status, rest };
}

function unless(rows: readonly unknown[], statement: () => string): string[] {
  return rows.length === 0 ? [] : [statement()];
}

/**
 * Many rows, each with its own values, in one update that never inserts: an old table may have columns that an insert would have to
 * fill. The new values travel as JSON, which both servers read as a table.
 */
function updateStatus({ status, statusIndex }: Tables, orders: readonly Order[], time: string): string {
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
] as const;

function historyRows({ history, now }: BatchPlan): Literal[][] {
  return history.map(({ report, version, fromStatus, outcome, occurTime }) => [
    report.orderId,
    version,
    fromStatus,
    report.status,
    outcome,
    occurTime,
    now,
    report.cause.caller,
    report.cause.operator,
    report.requestId,
    report.remark,
    report.cause.traceparent,
  ]);
}

const OUTBOX_COLUMNS = [
  "message_id",
  "order_id",
  "subject",
  "event_type",
  "body",
  "record_time",
  "traceparent",
] as const;

function outboxRows({ events }: BatchPlan): Literal[][] {
  return events.map(({ row }) => [
    row.messageId,
    row.orderId,
    row.subject,
    row.eventType,
    row.body,
    row.recordTime,
    row.traceparent,
  ]);
}

/** Each row names its event's row in the outbox by the distance from the first. */
function ledgerRows({ events, now }: BatchPlan, idStep: bigint, ledgerWatchMs: number): string[] {
  const watchedFrom = firstDueTime(now, ledgerWatchMs);
  const time = literal(now);
  return events.flatMap(({ row, actions }, index) =>
    actions.map(
      ({ action, due = watchedFrom }) =>
        `(${literal(row.messageId)},${literal(action)},${row.orderId},last_insert_id()+${idStep * BigInt(index)},'PENDING',${literal(due)},${time})`,
    ),
  );
}

const REQUEST_COLUMNS = ["request_id", "digest", "answer", "order_id", "record_time"] as const;

/** In the order of the key: two batches with the same ids do not wait for each other in a circle. */
function answerRows({ answers, now }: BatchPlan): Literal[][] {
  return answers
    .toSorted((a, b) => (a.requestId < b.requestId ? -1 : 1))
    .map(({ requestId, digest, answer, orderId }) => [requestId, digest, answer, orderId, now]);
}
