import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type OrderStatus,
  type OrderStatusSnapshot,
  OrderStatusSnapshotSchema,
  Outcome,
  type StatusHistoryEntrySchema,
} from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import type {
  UpdateOrderStatusRequest,
  UpdateOrderStatusResponseSchema,
  WatchOrderStatusResponse_ChangeSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { type CallContext, causeOf } from "../../application/context.ts";
import { invalidField } from "../../application/errors.ts";
import type { ListStatusHistoryResult, OrderView } from "../../application/orders/reads.ts";
import type { StatusChanged } from "../../domain/events.ts";
import type { Status } from "../../domain/state-machine.ts";
import type { AcceptedReport, StatusReport } from "../../domain/status-report.ts";

/** A stored status code; a code that the contract does not define is passed as its number. */
export const toOrderStatus = (code: number): OrderStatus => code as OrderStatus;

const OUTCOMES = { applied: Outcome.APPLIED, duplicate: Outcome.DUPLICATE, stale: Outcome.STALE } as const;

export const toOutcome = (name: keyof typeof OUTCOMES): Outcome => OUTCOMES[name];

/**
 * @throws OperationError "invalid" for nanoseconds out of range, which the contract cannot express
 */
export function toDate(time: Timestamp, field: string): Date {
  if (time.nanos < 0 || time.nanos > 999_999_999) {
    throw invalidField(`${field}.nanos`, `must be 0 to 999999999, was ${time.nanos}`);
  }
  return timestampDate(time);
}

/** The request as the report that is committed: no layer below copies it. */
export function toStatusReport(
  request: UpdateOrderStatusRequest,
  context: Pick<CallContext, "caller" | "authenticatedOperator" | "requestNamespace" | "traceparent">,
): StatusReport {
  return {
    kind: "report",
    orderId: request.orderId,
    status: request.status as Status,
    by: "report",
    occurTime: request.occurTime && toDate(request.occurTime, "occur_time"),
    requestId: request.requestId,
    requestNamespace: context.requestNamespace,
    remark: request.remark,
    expectedVersion: request.expectedVersion === undefined ? undefined : Number(request.expectedVersion),
    validateOnly: request.validateOnly,
    cause: causeOf(context, request.operator),
  };
}

export function updateResponse(accepted: AcceptedReport): MessageInitShape<typeof UpdateOrderStatusResponseSchema> {
  return {
    outcome: toOutcome(accepted.outcome),
    orderId: accepted.orderId,
    orderStatus: toOrderStatus(accepted.status),
    version: BigInt(accepted.version),
    messageId: accepted.messageId,
  };
}

/** The fields of a snapshot, and of the response to GetOrderStatus. */
export function orderViewFields(order: OrderView) {
  return {
    orderId: order.orderId,
    orderStatus: toOrderStatus(order.status),
    paused: order.paused,
    finished: order.finished,
    version: BigInt(order.version),
    updateTime: timestampFromDate(order.updateTime),
    returnIds: order.returnIds as bigint[],
  };
}

export function snapshotMessage(order: OrderView): OrderStatusSnapshot {
  return create(OrderStatusSnapshotSchema, orderViewFields(order));
}

export function historyEntry(
  entry: ListStatusHistoryResult["entries"][number],
): MessageInitShape<typeof StatusHistoryEntrySchema> {
  return {
    version: BigInt(entry.version),
    fromStatus: toOrderStatus(entry.fromStatus),
    toStatus: toOrderStatus(entry.toStatus),
    outcome: toOutcome(entry.outcome),
    occurTime: timestampFromDate(entry.occurTime),
    recordTime: timestampFromDate(entry.recordTime),
    caller: entry.caller,
    operator: entry.operator,
    authenticatedOperator: entry.authenticatedOperator,
    requestId: entry.requestId,
    remark: entry.remark,
    messageId: entry.messageId,
  };
}

export function changeFields(change: StatusChanged): MessageInitShape<typeof WatchOrderStatusResponse_ChangeSchema> {
  return {
    orderId: change.orderId,
    fromStatus: toOrderStatus(change.fromStatus),
    toStatus: toOrderStatus(change.toStatus),
    version: BigInt(change.version),
    occurTime: timestampFromDate(change.occurTime),
    recordTime: timestampFromDate(change.recordTime),
    messageId: change.messageId,
  };
}
