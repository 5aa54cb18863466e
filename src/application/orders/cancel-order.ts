import { Status } from "../../domain/state-machine.ts";
import type { AcceptedReport } from "../../store/commit/types.ts";
import { causeOf } from "../cause.ts";
import type { CallContext } from "../context.ts";
import type { OperationDeps } from "../deps.ts";
import { acceptedOrThrow } from "./report-result.ts";

export interface CancelOrderInput {
  readonly orderId: bigint;
  readonly operator: string;
  readonly reason: string;
  readonly requestId: string;
}

/** Old operation 6, statuOrderStatus: cancels; the one way from ERP_ALLOCATED to PACKED, after the warehouse agreed. */
export async function cancelOrder(
  { committer }: OperationDeps,
  { orderId, operator, reason, requestId }: CancelOrderInput,
  context: CallContext,
): Promise<AcceptedReport> {
  const result = await committer.report({
    kind: "report",
    orderId,
    status: Status.CANCELLED,
    by: "operation",
    requestId,
    remark: reason,
    validateOnly: false,
    cause: causeOf(context, operator),
    deadline: context.deadline,
  });
  return acceptedOrThrow(result, orderId, requestId);
}
