import { create, type DescMethod, fromBinary, type Message, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type handleUnaryCall, Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import {
  OrderStatusService,
  type UpdateOrderStatusRequest,
  type UpdateOrderStatusResponse,
  UpdateOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { acceptedOrThrow } from "../../../src/application/orders/update-order-status.ts";
import type { ReportResult, StatusReport } from "../../../src/domain/status-report.ts";
import { toStatusReport, updateResponse } from "../../../src/transport/handlers/messages.ts";
import { MAX_CONCURRENT_STREAMS } from "../../../src/transport/limits.ts";
import { toConnectError } from "../../../src/transport/wire/errors.ts";

const { updateOrderStatus, getOrderStatus } = OrderStatusService.method;

type Unary<M extends DescMethod> = handleUnaryCall<MessageShape<M["input"]>, MessageShape<M["output"]>>;

/** Handlers of a baseline. */
export interface GrpcMethods {
  readonly updateOrderStatus: Unary<typeof updateOrderStatus>;
  readonly getOrderStatus?: Unary<typeof getOrderStatus>;
}

export interface GrpcServer {
  readonly port: number;
  /** Waits for calls in flight, for a limited time. */
  stop(): Promise<void>;
}

const OPTIONS = {
  "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
  // Channelz costs time per call.
  "grpc.enable_channelz": 0,
} as const;

/** Time for calls in flight to end, in milliseconds. */
const STOP_MS = 1_000;

/** Serves with grpc-js, the fastest gRPC server on Node, on a free port. */
export async function serveGrpc(methods: GrpcMethods): Promise<GrpcServer> {
  const server = new Server(OPTIONS);
  server.addService(
    {
      updateOrderStatus: definitionOf(updateOrderStatus),
      ...(methods.getOrderStatus && { getOrderStatus: definitionOf(getOrderStatus) }),
    },
    { ...methods },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    stop: () =>
      new Promise((resolve) => {
        const force = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, STOP_MS);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      }),
  };
}

function definitionOf({ parent, name, input, output }: DescMethod) {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: Message) => asBuffer(toBinary(input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
    responseSerialize: (message: Message) => asBuffer(toBinary(output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(output, bytes),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const NO_METADATA = new Metadata();

/** A handler of UpdateOrderStatus that calls `update` with the report. */
export function updateHandler(
  update: (report: StatusReport) => Promise<ReportResult>,
): handleUnaryCall<UpdateOrderStatusRequest, UpdateOrderStatusResponse> {
  return ({ request, metadata }, done) => {
    const caller = metadata.get("oms-caller")[0]?.toString() ?? "";
    const report = toStatusReport(request, {
      caller,
      authenticatedOperator: "",
      requestNamespace: "",
      traceparent: "",
    });
    update(report)
      .then((result) => acceptedOrThrow(result, report))
      .then(
        (taken) => done(null, create(UpdateOrderStatusResponseSchema, updateResponse(taken))),
        (reason: unknown) => {
          const error = toConnectError(reason, "");
          done({ code: error.code as number, details: error.rawMessage, metadata: NO_METADATA });
        },
      );
  };
}
