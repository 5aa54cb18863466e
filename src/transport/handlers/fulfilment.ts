import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import * as pb from "../../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import type { OperationDeps } from "../../application/deps.ts";
import {
  getOrderFlow,
  listOrderFlows,
  type OrderFlow,
  retryOrderFlow,
} from "../../application/fulfilment/order-flows.ts";
import { submitOrder } from "../../application/fulfilment/submit-order.ts";
import type { HandlersOf } from "./types.ts";

/** All RPCs of FulfilmentService. */
export function createFulfilmentHandlers(deps: OperationDeps): HandlersOf<typeof pb.FulfilmentService> {
  return {
    async submitOrder(request, context) {
      const { orderId, rootParentId, orderSource, orderType, rechargeAccount, invoice, operator, requestId } = request;
      const lines = request.lines.map(({ skuId, quantity, warehouseId }) => ({ skuId, quantity, warehouseId }));
      const input = {
        orderId,
        rootParentId,
        orderSource,
        orderType,
        lines,
        rechargeAccount,
        invoice,
        operator,
        requestId,
      };
      return create(pb.SubmitOrderResponseSchema, await submitOrder(deps, input, context));
    },

    async getOrderFlow(request, context) {
      const { orderId: _, ...flow } = flowFields(await getOrderFlow(deps, request, context));
      return create(pb.GetOrderFlowResponseSchema, flow);
    },

    async listOrderFlows(request) {
      const { state, step, pageSize, pageToken } = request;
      const stateName = STATES.find((name) => pb.FlowState[name] === state);
      const result = await listOrderFlows(deps, { state: stateName, step, pageSize, pageToken });
      return create(pb.ListOrderFlowsResponseSchema, {
        flows: result.flows.map(flowFields),
        nextPageToken: result.nextPageToken,
      });
    },

    async retryOrderFlow(request, context) {
      const { state } = await retryOrderFlow(deps, request, context);
      return create(pb.RetryOrderFlowResponseSchema, { state: pb.FlowState[state] });
    },
  };
}

const STATES = ["WAITING", "RUNNING", "PAUSED", "RETRYING", "FAILED", "DONE"] as const;

function flowFields(flow: OrderFlow) {
  const { orderId, step, state, attempts, lastError, nextRunTime, childOrderIds, summary } = flow;
  return {
    orderId,
    step,
    state: pb.FlowState[state],
    attempts,
    lastError,
    ...(nextRunTime === undefined ? {} : { nextRunTime: timestampFromDate(nextRunTime) }),
    childOrderIds: [...childOrderIds],
    summary,
  };
}
