import { create } from "@bufbuild/protobuf";
import {
  CancelVerdict,
  RejectionVerdict,
  ReturnVerdict,
  UpdateErrorSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import * as pb from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { pauseForCancel, pauseForRejection, setOrderPause } from "../../application/orders/pause.ts";
import {
  markInvoicesPrinted,
  recordShippedQuantities,
  returnOrder,
  updateDeliveryInfo,
} from "../../application/orders/records.ts";
import {
  batchUpdateOrderStatus,
  cancelOrder,
  updateOrderStatus,
} from "../../application/orders/update-order-status.ts";
import { mapInSlices } from "../../lib/async.ts";
import { toConnectError, toStatus } from "../wire/errors.ts";
import { assertValid } from "../wire/validation.ts";
import { toOrderStatus, toOutcome, toStatusReport, updateResponse } from "./messages.ts";
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
      const { outcome, status, version, messageId } = await cancelOrder(deps, request, context);
      return create(pb.CancelOrderResponseSchema, {
        outcome: toOutcome(outcome),
        orderStatus: toOrderStatus(status),
        version: BigInt(version),
        messageId,
      });
    },

    async updateOrderStatus(request, context) {
      const accepted = await updateOrderStatus(deps, toStatusReport(request, context), context);
      return create(pb.UpdateOrderStatusResponseSchema, updateResponse(accepted));
    },

    async batchUpdateOrderStatus(request, context) {
      const reports = await mapInSlices(request.updates, (update) => {
        try {
          assertValid(pb.UpdateOrderStatusRequestSchema, update);
          const report = toStatusReport(update, context);
          return () => report;
        } catch (error) {
          return () => {
            throw error;
          };
        }
      });
      const orderIds = request.updates.map(({ orderId }) => orderId);
      const settled = await batchUpdateOrderStatus(deps, reports, orderIds, context);
      const results = await mapInSlices(settled, (one) => {
        if (one.status === "fulfilled") {
          const value = create(pb.UpdateOrderStatusResponseSchema, updateResponse(one.value));
          return { result: { case: "response" as const, value } };
        }
        const { code, message, details } = toStatus(toConnectError(one.reason, context.callId));
        return { result: { case: "error" as const, value: create(UpdateErrorSchema, { code, message, details }) } };
      });
      return create(pb.BatchUpdateOrderStatusResponseSchema, { results });
    },

    async markInvoicesPrinted(request, context) {
      const { orderIds, invoiceTitle, invoiceContent, taxPayerCode, invoiceEmail, sendEmail } = request;
      const invoice = { title: invoiceTitle, content: invoiceContent, taxPayerCode, email: invoiceEmail };
      const input = { orderIds, invoice, sendEmail };
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
