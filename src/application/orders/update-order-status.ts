import { describeStatus, type Status, stateOf } from "../../domain/state-machine.ts";
import type { AcceptedReport } from "../../store/commit/types.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError } from "../errors.ts";
import { acceptedOrThrow } from "./report-result.ts";

export type { AcceptedReport } from "../../store/commit/types.ts";

export interface UpdateOrderStatusInput {
  readonly orderId: bigint;
  readonly status: Status;
  readonly requestId: string;
  readonly operator: string;
  /** Now, where nobody says. */
  readonly occurTime: Date | undefined;
  readonly remark: string;
  readonly expectedVersion: number | undefined;
  readonly validateOnly: boolean;
  /** A step of the forward flow whose work at a neighbour is done: no pause holds it back any more. */
  readonly stepDone?: boolean;
}

/** Old operation 8, updateOrderStatus: something has happened to an order. */
export async function updateOrderStatus(
  { committer }: OperationDeps,
  input: UpdateOrderStatusInput,
  context: CallContext,
): Promise<AcceptedReport> {
  assertMayReport(input.status, context);
  const result = await committer.report({
    kind: "report",
    orderId: input.orderId,
    status: input.status,
    by: input.stepDone === true ? "step" : "report",
    occurTime: input.occurTime,
    requestId: input.requestId,
    remark: input.remark,
    expectedVersion: input.expectedVersion,
    validateOnly: input.validateOnly,
    cause: causeOf(context, input.operator),
    deadline: context.deadline,
  });
  return acceptedOrThrow(result, input.orderId, input.requestId);
}

/** Before anything is looked up: the answer tells nothing of the order, not even whether there is one. */
function assertMayReport(status: Status, { caller, reportableStatuses }: CallContext): void {
  if (reportableStatuses !== undefined && !reportableStatuses.has(status)) {
    const reportedBy = stateOf(status)?.reportedBy.join(", ") ?? "no caller";
    const message = `status: ${caller} may not report ${describeStatus(status)}; it is reported by ${reportedBy}`;
    throw new OperationError("permission-denied", message);
  }
}
