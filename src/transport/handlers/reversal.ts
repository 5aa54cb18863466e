import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { CancelVerdict, ReturnVerdict } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import * as pb from "../../../gen/oms/reversal/v1/order_reversal_service_pb.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { getCancel, reportWmsAnswer } from "../../application/reversal/close-cancel.ts";
import { type RequestedCancel, requestCancel } from "../../application/reversal/request-cancel.ts";
import { listReturnDetails, requestReturn } from "../../application/reversal/returns.ts";
import type { HandlersOf } from "./types.ts";

/** All RPCs of OrderReversalService. */
export function createReversalHandlers(deps: OperationDeps): HandlersOf<typeof pb.OrderReversalService> {
  return {
    async requestCancel(request, context) {
      const { children, ...requested } = await requestCancel(deps, request, context);
      return create(pb.RequestCancelResponseSchema, {
        ...cancelFields(requested),
        children: children.map(({ orderId, ...child }) => ({ orderId, ...cancelFields(child) })),
      });
    },

    async getCancel(request, context) {
      const cancel = await getCancel(deps, request, context);
      const { cancelId, state, currentProcess, processFlag, verdict, refusalReason, requestTime, finishTime } = cancel;
      return create(pb.GetCancelResponseSchema, {
        cancelId,
        state: pb.CancelState[state],
        currentProcess,
        processFlag,
        verdict: CancelVerdict[verdict ?? "UNSPECIFIED"],
        refusalReason,
        ...(requestTime === undefined ? {} : { requestTime: timestampFromDate(requestTime) }),
        ...(finishTime === undefined ? {} : { finishTime: timestampFromDate(finishTime) }),
      });
    },

    async reportWmsAnswer(request, context) {
      const { state } = await reportWmsAnswer(deps, request, context);
      return create(pb.ReportWmsAnswerResponseSchema, { state: pb.CancelState[state] });
    },

    async requestReturn(request, context) {
      const { orderId, reason, operator, requestId } = request;
      const lines = request.lines.map(({ skuId, quantity }) => ({ skuId, quantity }));
      const input = { orderId, lines, reason, operator, requestId };
      const { returnId, verdict } = await requestReturn(deps, input, context);
      return create(pb.RequestReturnResponseSchema, { returnId, verdict: ReturnVerdict[verdict] });
    },

    async listReturnDetails(request, context) {
      const details = await listReturnDetails(deps, request, context);
      return create(pb.ListReturnDetailsResponseSchema, {
        details: details.map(({ createTime, ...detail }) => ({
          ...detail,
          ...(createTime === undefined ? {} : { createTime: timestampFromDate(createTime) }),
        })),
      });
    },
  };
}

function cancelFields({ cancelId, state, refusalReason }: RequestedCancel) {
  return { cancelId, state: pb.CancelState[state], refusalReason };
}
