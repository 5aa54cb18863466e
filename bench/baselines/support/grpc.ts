import { type DescMethod, fromBinary, type Message, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { MAX_CONCURRENT_STREAMS } from "../../../src/transport/limits.ts";

const { updateOrderStatus, getOrderStatus } = OrderStatusService.method;

type Unary<M extends DescMethod> = handleUnaryCall<MessageShape<M["input"]>, MessageShape<M["output"]>>;

/** What a baseline answers. */
export interface GrpcMethods {
  readonly updateOrderStatus: Unary<typeof updateOrderStatus>;
  readonly getOrderStatus?: Unary<typeof getOrderStatus>;
}

export interface GrpcServer {
  readonly port: number;
  /** Calls under way are answered. */
  stop(): Promise<void>;
}

const OPTIONS = {
  "grpc.max_concurrent_streams": MAX_CONCURRENT_STREAMS,
  // Its bookkeeping takes time from every call.
  "grpc.enable_channelz": 0,
} as const;

/** How long calls under way have at the end, in milliseconds. */
const STOP_MS = 1_000;

/** Serves on grpc-js, the quickest gRPC server that Node has, on a free port. */
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
