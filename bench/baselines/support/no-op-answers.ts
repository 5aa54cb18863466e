import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import {
  type GetOrderStatusRequest,
  type GetOrderStatusResponse,
  GetOrderStatusResponseSchema,
  type UpdateOrderStatusRequest,
  type UpdateOrderStatusResponse,
  UpdateOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";

const UPDATED = timestampFromDate(new Date());

/** The answer to an applied change, without a change. */
export function updateAnswer({ orderId, status }: UpdateOrderStatusRequest): UpdateOrderStatusResponse {
  return create(UpdateOrderStatusResponseSchema, {
    outcome: Outcome.APPLIED,
    orderId,
    orderStatus: status,
    version: 1n,
    messageId: `${orderId}-1`,
  });
}

/** The status of an order, without a read. */
export function getAnswer({ orderId }: GetOrderStatusRequest): GetOrderStatusResponse {
  return create(GetOrderStatusResponseSchema, {
    orderId,
    orderStatus: 1000,
    paused: false,
    finished: false,
    version: 1n,
    updateTime: UPDATED,
    returnIds: [],
  });
}
