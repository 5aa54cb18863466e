import { create } from "@bufbuild/protobuf";
import { type handleUnaryCall, Metadata } from "@grpc/grpc-js";
import {
  type UpdateOrderStatusRequest,
  type UpdateOrderStatusResponse,
  UpdateOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { acceptedOrThrow } from "../../../src/application/orders/update-order-status.ts";
import type { ReportResult, StatusReport } from "../../../src/domain/status-report.ts";
import { toStatusReport, updateResponse } from "../../../src/transport/handlers/messages.ts";
import { toConnectError } from "../../../src/transport/wire/errors.ts";

const NOTHING = new Metadata();

/** Answers UpdateOrderStatus with what `update` makes of the report. */
export function updateHandler(
  update: (report: StatusReport) => Promise<ReportResult>,
): handleUnaryCall<UpdateOrderStatusRequest, UpdateOrderStatusResponse> {
  return ({ request, metadata }, done) => {
    const caller = metadata.get("oms-caller")[0]?.toString() ?? "";
    const report = toStatusReport(request, { caller, traceparent: "" });
    update(report)
      .then((result) => acceptedOrThrow(result, report))
      .then(
        (taken) => done(null, create(UpdateOrderStatusResponseSchema, updateResponse(taken))),
        (reason: unknown) => {
          const error = toConnectError(reason, "");
          done({ code: error.code as number, details: error.rawMessage, metadata: NOTHING });
        },
      );
  };
}
