import { create } from "@bufbuild/protobuf";
import {
  CancelVerdict,
  RejectionVerdict,
  ReturnVerdict,
  UpdateErrorSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import * as pb from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { batchUpdateOrderStatus } from "../../application/orders/batch-update-order-status.ts";
import { cancelOrder } from "../../application/orders/cancel-order.ts";
import { markInvoicesPrinted } from "../../application/orders/mark-invoices-printed.ts";
import { pauseForCancel } from "../../application/orders/pause-for-cancel.ts";
import { pauseForRejection } from "../../application/orders/pause-for-rejection.ts";
import { recordShippedQuantities } from "../../application/orders/record-shipped-quantities.ts";
import { returnOrder } from "../../application/orders/return-order.ts";
import { setOrderPause } from "../../application/orders/set-order-pause.ts";
import { updateDeliveryInfo } from "../../application/orders/update-delivery-info.ts";
import { updateOrderStatus } from "../../application/orders/update-order-status.ts";
import { toConnectError, toStatus } from "../wire/errors.ts";
import { assertValid } from "../wire/validation.ts";
import { toOrderStatus, toOutcome, toUpdateInput, updateResponse } from "./messages.ts";
import type { OrderStatusHandlers } from "./types.ts";

type Changes =
  | "pauseForCancel"
  | "pauseForRejection"
  | "returnOrder"
  | "setOrderPause"
  | "cancelOrder"
  | "updateOrderStatus"
  | "batchUpdateOrderStatus"
  | "markInvoicesPrinted"
  | "updateDeliveryInfo"
  | "recordShippedQuantities";

/** The RPCs of OrderStatusService that change orders. */
export function createChangeHandlers(deps: OperationDeps): Pick<OrderStatusHandlers, Changes> {
  return {
    async pauseForCancel(request, context) {
      const result = await pauseForCancel(deps, request, context);
      return create(pb.PauseForCancelResponseSchema, {
        verdict: CancelVerdict[result.verdict],
        message: result.message,
        orderStatus: toOrderStatus(result.status),
      });
    },

    async pauseForRejection(request, context) {
      const { verdict, message } = await pauseForRejection(deps, request, context);
      return create(pb.PauseForRejectionResponseSchema, { verdict: RejectionVerdict[verdict], message });
    },

    async returnOrder(request, context) {
      const { verdict, message } = await returnOrder(deps, request, context);
      return create(pb.ReturnOrderResponseSchema, { verdict: ReturnVerdict[verdict], message });
    },

    async setOrderPause(request, context) {
      return create(pb.SetOrderPauseResponseSchema, await setOrderPause(deps, request, context));
    },

    async cancelOrder(request, context) {
      const accepted = await cancelOrder(deps, request, context);
      return create(pb.CancelOrderResponseSchema, {
        outcome: toOutcome(accepted.outcome),
        orderStatus: toOrderStatus(accepted.status),
        version: BigInt(accepted.version),
        messageId: accepted.messageId,
      });
    },

    async updateOrderStatus(request, context) {
      const accepted = await updateOrderStatus(deps, toUpdateInput(request), context);
      return create(pb.UpdateOrderStatusResponseSchema, updateResponse(accepted));
    },

    async batchUpdateOrderStatus(request, context) {
      const inputs = request.updates.map((update) => () => {
        assertValid(pb.UpdateOrderStatusRequestSchema, update);
        return toUpdateInput(update);
      });
      const outcomes = await batchUpdateOrderStatus(deps, inputs, context);
      const results = outcomes.map((outcome) => {
        if (outcome.status === "fulfilled") {
          const value = create(pb.UpdateOrderStatusResponseSchema, updateResponse(outcome.value));
          return { result: { case: "response" as const, value } };
        }
        const { code, message, details } = toStatus(toConnectError(outcome.reason, context.callId));
        return { result: { case: "error" as const, value: create(UpdateErrorSchema, { code, message, details }) } };
      });
      return create(pb.BatchUpdateOrderStatusResponseSchema, { results });
    },

    async markInvoicesPrinted(request, context) {
      const { orderIds, invoiceTitle, invoiceContent, taxPayerCode, invoiceEmail, sendEmail } = request;
      const input = { orderIds, invoiceTitle, invoiceContent, taxPayerCode, invoiceEmail, sendEmail };
      return create(pb.MarkInvoicesPrintedResponseSchema, await markInvoicesPrinted(deps, input, context));
    },

    async updateDeliveryInfo(request, context) {
      const { orderId, deliveryId, deliveryCompany, waybillNo, operator } = request;
      const input = { orderId, deliveryId, deliveryCompany, waybillNo, operator };
      return create(pb.UpdateDeliveryInfoResponseSchema, await updateDeliveryInfo(deps, input, context));
    },

    async recordShippedQuantities(request, context) {
      const { orderId, requestId, operator } = request;
      const lines = request.lines.map(({ skuId, quantity }) => ({ skuId, quantity }));
      const result = await recordShippedQuantities(deps, { orderId, lines, requestId, operator }, context);
      return create(pb.RecordShippedQuantitiesResponseSchema, result);
    },
  };
}
