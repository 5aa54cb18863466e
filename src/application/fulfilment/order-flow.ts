import { describeFlowStatus, type FlowStatus, flowStatus } from "../../domain/flow.ts";
import { expires } from "../../domain/payable.ts";
import { describeStatus } from "../../domain/state-machine.ts";
import type { FlowRow } from "../../store/reads/flows.ts";
import type { OperationDeps } from "../deps.ts";
import { OperationError } from "../errors.ts";

/** Where the flow stands with an order, and what that waits for. */
export interface OrderFlow extends FlowStatus {
  readonly orderId: bigint;
  /** Ascending. */
  readonly childOrderIds: readonly bigint[];
  /** One sentence. */
  readonly summary: string;
}

/** Where the flow stands with an order that came in here. */
export function flowStatusOf({ kinds, paymentTimeoutMs }: OperationDeps, row: FlowRow): FlowStatus {
  const payUntil = expires(kinds, row) ? new Date(row.createTime.getTime() + paymentTimeoutMs) : undefined;
  return flowStatus({ ...row, paymentDeadline: payUntil });
}

export function toOrderFlow(deps: OperationDeps, row: FlowRow, childOrderIds: readonly bigint[]): OrderFlow {
  const position = flowStatusOf(deps, row);
  const { orderId, status } = row;
  const summary = `The order is ${describeStatus(status)} and ${describeFlowStatus(position)}.`;
  return { ...position, orderId, childOrderIds, summary };
}

/** There is no such order, or others move it. */
export function flowNotFound(orderId: bigint): OperationError {
  return new OperationError(
    "not-found",
    `the forward flow does not move an order ${orderId}: there is none, or it did not come in by SubmitOrder`,
  );
}
