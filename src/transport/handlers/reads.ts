import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { NotPayableReason } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import * as pb from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { explainOrder } from "../../application/orders/explain-order.ts";
import {
  batchGetOrderStatus,
  checkPayable,
  describeStateMachine,
  getMaxSubOrderStatus,
  getOrderStatus,
  getPaymentStatus,
  listOrderSources,
  listShipmentTypes,
  listStatusHistory,
} from "../../application/orders/reads.ts";
import { historyEntry, orderViewFields, snapshotMessage, toOrderStatus } from "./messages.ts";
import type { OrderStatusHandlers } from "./types.ts";

type Reads =
  | "getPaymentStatus"
  | "getOrderStatus"
  | "checkPayable"
  | "getMaxSubOrderStatus"
  | "listOrderSources"
  | "listShipmentTypes"
  | "batchGetOrderStatus"
  | "listStatusHistory"
  | "explainOrder"
  | "describeStateMachine";

/** The RPCs of OrderStatusService without side effects. */
export function createReadHandlers(deps: OperationDeps): Pick<OrderStatusHandlers, Reads> {
  return {
    async getPaymentStatus(request, context) {
      return create(pb.GetPaymentStatusResponseSchema, await getPaymentStatus(deps, request, context));
    },

    async getOrderStatus(request, context) {
      return create(pb.GetOrderStatusResponseSchema, orderViewFields(await getOrderStatus(deps, request, context)));
    },

    async checkPayable(request, context) {
      const reason = await checkPayable(deps, request, context);
      return create(pb.CheckPayableResponseSchema, {
        payable: reason === undefined,
        reason: NotPayableReason[reason ?? "UNSPECIFIED"],
      });
    },

    async getMaxSubOrderStatus(request, context) {
      const orderStatus = toOrderStatus(await getMaxSubOrderStatus(deps, request, context));
      return create(pb.GetMaxSubOrderStatusResponseSchema, { orderStatus });
    },

    async listOrderSources() {
      return create(pb.ListOrderSourcesResponseSchema, { sources: await listOrderSources(deps) });
    },

    async listShipmentTypes() {
      return create(pb.ListShipmentTypesResponseSchema, { shipmentTypes: [...listShipmentTypes()] });
    },

    async batchGetOrderStatus(request, context) {
      const { orders, missingOrderIds } = await batchGetOrderStatus(deps, request, context);
      return create(pb.BatchGetOrderStatusResponseSchema, {
        statuses: orders.map(snapshotMessage),
        missingOrderIds,
      });
    },

    async listStatusHistory(request, context) {
      const { entries, nextPageToken } = await listStatusHistory(deps, request, context);
      return create(pb.ListStatusHistoryResponseSchema, { entries: entries.map(historyEntry), nextPageToken });
    },

    async explainOrder(request, context) {
      const result = await explainOrder(deps, request, context);
      return create(pb.ExplainOrderResponseSchema, {
        orderStatus: toOrderStatus(result.status),
        paused: result.paused,
        finished: result.finished,
        version: BigInt(result.version),
        allowed: result.allowed.map((next) => ({
          status: toOrderStatus(next.status),
          reportedBy: [...next.reportedBy],
        })),
        refused: result.refused.map((next) => ({ status: toOrderStatus(next.status), reason: next.reason })),
        openActions: result.openActions.map(({ action, state, attempts, lastError, messageId, nextAttemptTime }) => ({
          action,
          state,
          attempts,
          lastError,
          messageId,
          ...(nextAttemptTime === undefined ? {} : { nextAttemptTime: timestampFromDate(nextAttemptTime) }),
        })),
        ...(result.flow === undefined
          ? {}
          : { flow: { step: result.flow.step, state: result.flow.state, lastError: result.flow.lastError } }),
        summary: result.summary,
      });
    },

    async describeStateMachine() {
      const { states, transitions } = describeStateMachine();
      return create(pb.DescribeStateMachineResponseSchema, {
        states: states.map(({ code, name, label, final }) => ({ code, name, label, final })),
        transitions: transitions.map(({ from, to, reportedBy, condition = "" }) => ({
          from,
          to,
          reportedBy: [...reportedBy],
          condition,
        })),
      });
    },
  };
}
