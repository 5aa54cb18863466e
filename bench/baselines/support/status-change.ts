import { decide } from "../../../src/domain/decide.ts";
import type { StatusChanged } from "../../../src/domain/events.ts";
import { legacyColumns } from "../../../src/domain/legacy-columns.ts";
import type { Order } from "../../../src/domain/order.ts";
import { DEFAULT_ORDER_KINDS } from "../../../src/domain/order-kinds.ts";
import {
  type AcceptedReport,
  type AppliedTransition,
  applyTransition,
  type ReportResult,
  type StatusReport,
} from "../../../src/domain/status-report.ts";
import type { Tables } from "../../../src/store/commit/connector.ts";
import type { Session } from "../../../src/store/commit/session.ts";
import { rowsOf } from "../../../src/store/commit/session.ts";
import { literal, valuesClause } from "../../../src/store/mysql/literals.ts";
import { type OrderRow, toOrder } from "../../../src/store/orders/order-row.ts";
import { legacyMainValues } from "../../../src/store/orders/write-orders.ts";

/** Result of a report, and its event when it changed the order. */
export interface Changed {
  readonly result: ReportResult;
  readonly event?: StatusChanged;
}

/** Extension of the transaction of a change. */
export interface ChangeExtension {
  /** Whether to continue; evaluated concurrently with the first round trip. */
  readonly precondition?: boolean | Promise<boolean>;
  /** Additional statements. */
  readonly write?: (transition: AppliedTransition, answer: AcceptedReport) => readonly string[];
}

/**
 * One transaction per report, in two round trips: lock and read the order; then, if the state
 * machine permits it, update the status, insert the history and commit.
 */
export async function changeStatus(
  session: Session,
  tables: Tables,
  report: StatusReport,
  addition: ChangeExtension = {},
): Promise<Changed> {
  const { precondition = true, write } = addition;
  const [[rows], proceed] = await Promise.all([session.send([lockStatement(tables, report.orderId)]), precondition]);
  const row = rowsOf<OrderRow>(rows)[0];
  const order = row && toOrder(row, DEFAULT_ORDER_KINDS);
  const result = order === undefined ? { kind: "not-found" as const } : decideReport(order, report, proceed);
  if (order === undefined || result.kind !== "accepted" || result.outcome !== "applied") {
    await session.send(["rollback"]);
    return { result };
  }
  const now = new Date();
  const transition = applyTransition(order, report, now);
  await session.send([
    ...transitionStatements(tables, transition, now),
    historyStatement(tables, order, report, transition, now),
    ...(write?.(transition, result) ?? []),
    "commit",
  ]);
  return { result, event: transition.event };
}

function lockStatement({ status, statusIndex, main, mainIndex }: Tables, orderId: bigint): string {
  return (
    "select s.order_id, s.order_status, s.is_pause, s.is_finish, s.version, s.passed_states, s.status_time, s.warehouse_count," +
    ` m.root_parent_id, m.is_parent, m.order_source, m.order_type from ${status} s ${statusIndex}` +
    ` straight_join ${main} m ${mainIndex} on m.order_id = s.order_id where s.order_id = ${orderId} for update`
  );
}

function decideReport(order: Order, report: StatusReport, proceed: boolean): ReportResult {
  const { orderId, status, version } = order;
  const decision = proceed ? decide(order, report) : ({ outcome: "duplicate" } as const);
  switch (decision.outcome) {
    case "refused":
      return { kind: "refused", reason: decision.reason, message: decision.message, from: status, to: report.status };
    case "applied":
      return {
        kind: "accepted",
        outcome: "applied",
        orderId,
        status: report.status,
        version: version + 1,
        messageId: `${orderId}-${version + 1}`,
      };
    default:
      return { kind: "accepted", outcome: decision.outcome, orderId, status, version, messageId: "" };
  }
}

function transitionStatements({ status, main }: Tables, { after }: AppliedTransition, now: Date): string[] {
  const { orderId } = after;
  const time = literal(now);
  const where = `where order_id = ${orderId}`;
  const statusUpdate =
    `update ${status} set order_status = ${after.status}, is_finish = ${Number(after.isFinish)}, version = ${after.version},` +
    ` passed_states = ${after.passed}, status_time = ${literal(after.statusTime)}, update_date = ${time} ${where}`;
  const { main: columns } = legacyColumns(after.status);
  if (columns === undefined) {
    return [statusUpdate];
  }
  const values = Object.entries({ ...legacyMainValues(columns, now), update_date: now });
  const assignments = values.map(([column, value]) => `${column} = ${literal(value)}`).join(", ");
  return [statusUpdate, `update ${main} set ${assignments} ${where}`];
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

function historyStatement(
  tables: Tables,
  before: Order,
  report: StatusReport,
  { event }: AppliedTransition,
  now: Date,
): string {
  const { caller, operator, traceparent } = report.cause;
  return `insert into ${tables.history} ${valuesClause(HISTORY_COLUMNS, [
    [
      before.orderId,
      event.version,
      before.status,
      report.status,
      "APPLIED",
      event.occurTime,
      now,
      caller,
      operator,
      report.requestId,
      report.remark,
      traceparent,
    ],
  ])}`;
}
