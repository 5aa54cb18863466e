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
export const status = (code: number): OrderStatus => code as OrderStatus;

const OUTCOMES = { applied: Outcome.APPLIED, duplicate: Outcome.DUPLICATE, stale: Outcome.STALE } as const;

export const outcome = (word: keyof typeof OUTCOMES): Outcome => OUTCOMES[word];

/**
 * When something happened.
 *
 * @throws OperationError "invalid" for nanoseconds beyond a second, which no rule of the contract forbids
 */
export function momentOf(time: Timestamp, field: string): Date {
  if (time.nanos < 0 || time.nanos > 999_999_999) {
    throw invalidField(`${field}.nanos`, `must be 0 to 999999999, was ${time.nanos}`);
  }
  return timestampDate(time);
}

/** A report as the operations take it. */
export function readReport(request: UpdateOrderStatusRequest): UpdateOrderStatusInput {
  return {
    orderId: request.orderId,
    status: request.status as Status,
    requestId: request.requestId,
    operator: request.operator,
    occurTime: request.occurTime && momentOf(request.occurTime, "occur_time"),
    remark: request.remark,
    expectedVersion: request.expectedVersion === undefined ? undefined : Number(request.expectedVersion),
    validateOnly: request.validateOnly,
  };
}

export function reportAnswer(taken: AcceptedReport): MessageInitShape<typeof UpdateOrderStatusResponseSchema> {
  return {
    outcome: outcome(taken.outcome),
    orderId: taken.orderId,
    orderStatus: status(taken.status),
    version: BigInt(taken.version),
    messageId: taken.messageId,
  };
}

/** The fields of a snapshot, which GetOrderStatus answers with too. */
export function standingFields(standing: OrderView) {
  return {
    orderId: standing.orderId,
    orderStatus: status(standing.status),
    paused: standing.paused,
    finished: standing.finished,
    version: BigInt(standing.version),
    updateTime: timestampFromDate(standing.updateTime),
    returnIds: standing.returnIds as bigint[],
  };
}

export function snapshotMessage(standing: OrderView): OrderStatusSnapshot {
  return create(OrderStatusSnapshotSchema, standingFields(standing));
}

export function historyEntry(
  entry: ListStatusHistoryResult["entries"][number],
): MessageInitShape<typeof StatusHistoryEntrySchema> {
  return {
    version: BigInt(entry.version),
    fromStatus: status(entry.fromStatus),
    toStatus: status(entry.toStatus),
    outcome: outcome(entry.outcome),
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
    fromStatus: status(change.fromStatus),
    toStatus: status(change.toStatus),
    version: BigInt(change.version),
    occurTime: timestampFromDate(change.occurTime),
    recordTime: timestampFromDate(change.recordTime),
    messageId: change.messageId,
  };
}
