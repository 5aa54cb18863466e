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
import { invalidField } from "../../application/errors.ts";
import type { OrderView } from "../../application/orders/get-order-status.ts";
import type { ListStatusHistoryResult } from "../../application/orders/list-status-history.ts";
import type { AcceptedReport, UpdateOrderStatusInput } from "../../application/orders/update-order-status.ts";
import type { StatusChanged } from "../../domain/events.ts";
import type { Status } from "../../domain/state-machine.ts";

/** A stored code; one that the contract does not name goes out as the number it is. */
export const toOrderStatus = (code: number): OrderStatus => code as OrderStatus;

const OUTCOMES = { applied: Outcome.APPLIED, duplicate: Outcome.DUPLICATE, stale: Outcome.STALE } as const;

export const toOutcome = (word: keyof typeof OUTCOMES): Outcome => OUTCOMES[word];

/**
 * When something happened.
 *
 * @throws OperationError "invalid" for nanoseconds beyond a second, which no rule of the contract
 * forbids
 */
export function toDate(time: Timestamp, field: string): Date {
  if (time.nanos < 0 || time.nanos > 999_999_999) {
    throw invalidField(`${field}.nanos`, `must be 0 to 999999999, was ${time.nanos}`);
  }
  return timestampDate(time);
}

/** A report as the operations take it. */
export function toUpdateInput(request: UpdateOrderStatusRequest): UpdateOrderStatusInput {
  return {
    orderId: request.orderId,
    status: request.status as Status,
    requestId: request.requestId,
    operator: request.operator,
    occurTime: request.occurTime && toDate(request.occurTime, "occur_time"),
    remark: request.remark,
    expectedVersion: request.expectedVersion === undefined ? undefined : Number(request.expectedVersion),
    validateOnly: request.validateOnly,
  };
}

export function updateResponse(taken: AcceptedReport): MessageInitShape<typeof UpdateOrderStatusResponseSchema> {
  return {
    outcome: toOutcome(taken.outcome),
    orderId: taken.orderId,
    orderStatus: toOrderStatus(taken.status),
    version: BigInt(taken.version),
    messageId: taken.messageId,
  };
}

/** The fields of a snapshot, which GetOrderStatus answers with too. */
export function orderViewFields(standing: OrderView) {
  return {
    orderId: standing.orderId,
    orderStatus: toOrderStatus(standing.status),
    paused: standing.paused,
    finished: standing.finished,
    version: BigInt(standing.version),
    updateTime: timestampFromDate(standing.updateTime),
    returnIds: standing.returnIds as bigint[],
  };
}

export function snapshotMessage(standing: OrderView): OrderStatusSnapshot {
  return create(OrderStatusSnapshotSchema, orderViewFields(standing));
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
