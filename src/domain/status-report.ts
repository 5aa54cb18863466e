import { advance, decide, type RefusalReason, type Report } from "./decide.ts";
import { type Cause, eventContext, type StatusChanged, statusMessageId } from "./events.ts";
import { legacyColumns } from "./legacy-columns.ts";
import type { Order } from "./order.ts";

/** A report of an order's status, from the handler to the commit (legacy operations 6 and 8). */
export interface StatusReport extends Report {
  readonly kind: "report";
  readonly orderId: bigint;
  /** "" for none. A repeat with the same content gets the first answer. */
  readonly requestId: string;
  /** As in CallContext; default: "". */
  readonly requestNamespace?: string;
  readonly remark: string;
  /** Undefined: the order may have any version. */
  readonly expectedVersion?: number | undefined;
  /** Nothing changes; the answer is what would have happened. */
  readonly validateOnly: boolean;
  readonly cause: Cause;
}

/** An accepted report, with the order's state, version and message id after it. */
export interface AcceptedReport {
  readonly kind: "accepted";
  readonly outcome: "applied" | "duplicate" | "stale";
  readonly orderId: bigint;
  readonly status: number;
  readonly version: number;
  /**
   * Of the change that brought the order there; "" for a stale report, and for an order that never
   * changed here.
   */
  readonly messageId: string;
}

/** The answer to a report. */
export type ReportResult =
  | AcceptedReport
  | {
      readonly kind: "refused";
      readonly reason: RefusalReason;
      readonly message: string;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: "version-mismatch"; readonly expected: number; readonly actual: number }
  | { readonly kind: "request-id-reused" }
  | { readonly kind: "not-found" };

/**
 * The answer to a report whose request id is new. `order` is undefined where there is no such
 * order.
 */
export function evaluateReport(order: Order | undefined, report: StatusReport): ReportResult {
  if (order === undefined) {
    return { kind: "not-found" };
  }
  const { orderId, status, version } = order;
  if (report.expectedVersion !== undefined && report.expectedVersion !== version) {
    return { kind: "version-mismatch", expected: report.expectedVersion, actual: version };
  }
  const decision = decide(order, report);
  switch (decision.outcome) {
    case "refused": {
      const { reason, message } = decision;
      return { kind: "refused", reason, message, from: status, to: report.status };
    }
    case "applied":
      return {
        kind: "accepted",
        outcome: "applied",
        orderId,
        status: report.status,
        version: decision.version,
        messageId: statusMessageId(orderId, decision.version),
      };
    case "duplicate": {
      const messageId = version === 0 ? "" : statusMessageId(orderId, version);
      return { kind: "accepted", outcome: "duplicate", orderId, status, version, messageId };
    }
    case "stale":
      return { kind: "accepted", outcome: "stale", orderId, status, version, messageId: "" };
  }
}

/** An order after an applied report, and the event of the change. */
export interface AppliedTransition {
  readonly after: Order;
  readonly event: StatusChanged;
}

/** Applies a report to which `decide` answered "applied". */
export function applyTransition(
  order: Order,
  report: Pick<StatusReport, "status" | "occurTime" | "by" | "requestId" | "remark" | "cause">,
  now: Date,
): AppliedTransition {
  const { status, requestId, remark, cause } = report;
  const finish = legacyColumns(status).status;
  const after: Order = {
    ...order,
    ...advance(order, report, now),
    isFinish: finish === undefined ? order.isFinish : finish.is_finish === 1,
  };
  const event: StatusChanged = {
    type: "status-changed",
    ...eventContext(order, statusMessageId(order.orderId, after.version), cause, now),
    fromStatus: order.status,
    toStatus: status,
    version: after.version,
    occurTime: report.occurTime ?? now,
    requestId,
    remark,
    warehouseCount: order.warehouseCount,
  };
  return { after, event };
}

/** The event of a new order, in its first state. */
export function creationEvent(
  order: Order,
  { cause, requestId, remark }: Pick<StatusReport, "cause" | "requestId" | "remark">,
  now: Date,
): StatusChanged {
  const { orderId, status, version, warehouseCount } = order;
  return {
    type: "status-changed",
    ...eventContext(order, statusMessageId(orderId, version), cause, now),
    fromStatus: 0,
    toStatus: status,
    version,
    occurTime: now,
    requestId,
    remark,
    warehouseCount,
  };
}
