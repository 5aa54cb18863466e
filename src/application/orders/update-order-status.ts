import { describeStatus, Status, stateOf } from "../../domain/state-machine.ts";
import type { AcceptedReport, ReportResult, StatusReport } from "../../domain/status-report.ts";
import { type CallContext, causeOf } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError, orderNotFound, requestIdReused } from "../errors.ts";
import { assertVisible, visibilityOf } from "../order-scope.ts";

/**
 * Legacy operation 8 (updateOrderStatus): a system reports an order's status. The rules are
 * `evaluateReport` in domain/status-report.ts; the group committer applies them under the order's
 * lock.
 */
export async function updateOrderStatus(
  deps: OperationDeps,
  report: StatusReport,
  context: CallContext,
): Promise<AcceptedReport> {
  assertMayReport(report.status, context);
  await assertVisible(deps, report.orderId, context);
  return acceptedOrThrow(await deps.committer.report(report, context), report);
}

/**
 * Reports for many orders, those for one order in the given order. Each succeeds or fails alone.
 *
 * @param reports each returns a report, or throws if its message is invalid
 * @param orderIds the orders of the reports
 * @returns in the order of the reports
 */
export async function batchUpdateOrderStatus(
  deps: OperationDeps,
  reports: readonly (() => StatusReport)[],
  orderIds: readonly bigint[],
  context: CallContext,
): Promise<PromiseSettledResult<AcceptedReport>[]> {
  // One query for all: reports for one order stay in their order.
  const isVisible = await visibilityOf(deps, orderIds, context);
  return Promise.allSettled(
    reports.map(async (toReport) => {
      const report = toReport();
      assertMayReport(report.status, context);
      if (!isVisible(report.orderId)) {
        throw orderNotFound(report.orderId);
      }
      return acceptedOrThrow(await deps.committer.report(report, context), report);
    }),
  );
}

export interface CancelOrderInput {
  readonly orderId: bigint;
  readonly operator: string;
  readonly reason: string;
  readonly requestId: string;
}

/**
 * Legacy operation 6 (statuOrderStatus): cancels an order. The only way to cancel from
 * ERP_ALLOCATED to PACKED, after the warehouse agreed.
 */
export async function cancelOrder(
  deps: OperationDeps,
  { orderId, operator, reason, requestId }: CancelOrderInput,
  context: CallContext,
): Promise<AcceptedReport> {
  const report: StatusReport = {
    kind: "report",
    orderId,
    status: Status.CANCELLED,
    by: "operation",
    requestId,
    requestNamespace: context.requestNamespace,
    remark: reason,
    validateOnly: false,
    cause: causeOf(context, operator),
  };
  await assertVisible(deps, orderId, context);
  return acceptedOrThrow(await deps.committer.report(report, context), report);
}

/**
 * Checked before anything is read, so that the answer does not depend on whether the order exists.
 */
function assertMayReport(status: Status, { caller, reportableStatuses }: CallContext): void {
  if (reportableStatuses !== undefined && !reportableStatuses.has(status)) {
    const reporters = stateOf(status)?.reportedBy.join(", ") ?? "no system";
    const message = `status: ${caller} may not report ${describeStatus(status)}; it is reported by ${reporters}`;
    throw new OperationError("permission-denied", message);
  }
}

/** The accepted report, or the error that describes why it was not accepted. */
export function acceptedOrThrow(
  result: ReportResult,
  { orderId, requestId }: Pick<StatusReport, "orderId" | "requestId">,
): AcceptedReport {
  switch (result.kind) {
    case "accepted":
      return result;
    case "refused": {
      const kind = result.reason === "ORDER_PAUSED" ? "order-paused" : "illegal-transition";
      const metadata = { from: nameOf(result.from), to: nameOf(result.to), order_id: String(orderId) };
      throw new OperationError(kind, `order ${orderId}: ${result.message}`, { metadata });
    }
    case "version-mismatch": {
      const { expected, actual } = result;
      const message = `order ${orderId} is at version ${actual}, not ${expected}: read it again`;
      const metadata = {
        expected_version: String(expected),
        actual_version: String(actual),
        order_id: String(orderId),
      };
      throw new OperationError("version-mismatch", message, { metadata });
    }
    case "request-id-reused":
      throw requestIdReused(requestId);
    case "not-found":
      throw orderNotFound(orderId);
  }
}

function nameOf(code: number): string {
  return stateOf(code)?.name ?? String(code);
}
