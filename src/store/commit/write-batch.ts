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
  readonly mark: CommitMark;
}

/** The statements that write a batch, in order; `status` change the orders. */
export interface BatchStatements {
  readonly status: readonly string[];
  readonly rest: readonly string[];
}

/** One statement per table; none for a plan that changes nothing. */
export function writeBatch(plan: BatchPlan, { tables, ledgerWatchMs, mark }: WriteOptions): BatchStatements {
  const { now, orders, legacyUpdates, history, events, answers } = plan;
  if (!changesAnything(plan)) {
    return { status: [], rest: [] };
  }
  const time = literal(now);
  const status = [
    ...insertOrders(tables, plan.created, now),
    ...unlessEmpty(orders, () => updateStatus(tables, orders, time)),
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
    ...unlessEmpty(events, () => `insert into ${tables.outbox} ${outboxValues(events)}`),
    writeMark(tables, mark, events.length > 0, time),
    ...unlessEmpty(
      ledger,
      () =>
        `insert into ${tables.ledger} (message_id, action, order_id, outbox_id, state, next_attempt_time, first_time)` +
        ` values ${ledger.join(",")} on duplicate key update message_id = message_id`,
    ),
    ...unlessEmpty(answers, () => `insert into ${tables.request} ${valuesClause(REQUEST_COLUMNS, answerRows(plan))}`),
  ];
  return { status, rest };
}

function changesAnything({ created, orders, statements, history, events, answers }: BatchPlan): boolean {
  return [created, orders, statements, history, events, answers].some(({ length }) => length > 0);
}

function unlessEmpty(rows: readonly unknown[], statement: () => string): string[] {
  return rows.length === 0 ? [] : [statement()];
}

/**
 * Many rows, each with its own values, in one update that never inserts: a legacy table may have
 * columns that an insert would have to fill. The values are JSON, which both engines read as a
 * table.
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
        `(${literal(row.messageId)},${literal(action)},${row.orderId},last_insert_id()+${idStep * BigInt(index)},'PENDING',${literal(due)},${time})`,
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

/**
 * Each lane of each committer has one row with the number of its last committed batch, written in
 * the batch's own transaction. After a COMMIT without an answer it shows whether the batch was
 * committed, for every kind of request, with or without request id.
 */
export interface CommitMark {
  readonly lane: string;
  readonly batch: bigint;
}

/** Days after which the marks of crashed servers are deleted. */
const RETENTION_DAYS = 1;

/** Must follow the insert into the outbox: last_insert_id() is the id of its first row. */
export function writeMark({ mark }: Tables, { lane, batch }: CommitMark, hasEvents: boolean, time: string): string {
  return (
    `insert into ${mark} (lane, batch, first_outbox_id, record_time)` +
    ` values (${literal(lane)}, ${batch}, ${hasEvents ? "last_insert_id()" : 0}, ${time}) on duplicate key update` +
    " batch = values(batch), first_outbox_id = values(first_outbox_id), record_time = values(record_time)"
  );
}

export function readMark({ mark }: Tables, lane: string): string {
  return `select batch, first_outbox_id from ${mark} where lane = ${literal(lane)}`;
}

export function toMark(result: Rows | undefined): { batch: bigint; firstOutboxId: bigint } | undefined {
  const [row] = rowsOf<{ batch: string; first_outbox_id: string }>(result);
  return row && { batch: BigInt(row.batch), firstOutboxId: BigInt(row.first_outbox_id) };
}

/** At the end of a lane: deletes its mark and those of crashed servers. */
export function clearMarks({ mark }: Tables, lane: string): string {
  return (
    `delete from ${mark} where lane = ${literal(lane)}` +
    ` or record_time < utc_timestamp(3) - interval ${RETENTION_DAYS} day`
  );
}
