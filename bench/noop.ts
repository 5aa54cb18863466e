/** A gRPC server that does nothing, on the same library and the same messages: what a call costs before any work. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import {
  OrderStatusService,
  type UpdateOrderStatusRequest,
  UpdateOrderStatusRequestSchema,
  type UpdateOrderStatusResponse,
  UpdateOrderStatusResponseSchema,
} from "../gen/oms/orderstatus/v1/order_status_service_pb.ts";

const answer: handleUnaryCall<UpdateOrderStatusRequest, UpdateOrderStatusResponse> = ({ request }, done) => {
  const { orderId, status } = request;
  const fields = { outcome: 1, orderId, orderStatus: status, version: 1n, messageId: `${orderId}-1` } as const;
  done(null, create(UpdateOrderStatusResponseSchema, fields));
};

const server = new Server();
server.addService(
  {
    updateOrderStatus: {
      path: `/${OrderStatusService.typeName}/UpdateOrderStatus`,
      requestStream: false,
      responseStream: false,
      requestSerialize: (message) => Buffer.from(toBinary(UpdateOrderStatusRequestSchema, message)),
      requestDeserialize: (bytes) => fromBinary(UpdateOrderStatusRequestSchema, bytes),
      responseSerialize: (message) => Buffer.from(toBinary(UpdateOrderStatusResponseSchema, message)),
      responseDeserialize: (bytes) => fromBinary(UpdateOrderStatusResponseSchema, bytes),
    },
  },
  {
    updateOrderStatus: answer,
  },
);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    throw error;
  }
  console.log(port);
});
