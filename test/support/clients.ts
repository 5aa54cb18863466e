import {
  create,
  createRegistry,
  type DescMethodStreaming,
  type DescMethodUnary,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import { type Client, type Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { ActionService } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { ShadowService } from "../../gen/oms/operations/v1/shadow_service_pb.ts";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";

/** The contract as functions. */
export type OrderStatusClient = Client<typeof OrderStatusService>;

/** The clients of all services. */
export interface Clients {
  readonly client: OrderStatusClient;
  readonly fulfilment: Client<typeof FulfilmentService>;
  readonly reversal: Client<typeof OrderReversalService>;
  readonly actions: Client<typeof ActionService>;
  readonly shadow: Client<typeof ShadowService>;
}

/** Clients with their connection. */
export interface OpenClient extends Clients {
  close(): void;
}

function clientsOver(transport: Transport): Clients {
  return {
    client: createClient(OrderStatusService, transport),
    fulfilment: createClient(FulfilmentService, transport),
    reversal: createClient(OrderReversalService, transport),
    actions: createClient(ActionService, transport),
    shadow: createClient(ShadowService, transport),
  };
}

/** The ways to call the service, all with the same typed client. */
export const TRANSPORTS = {
  "grpc-js": ({ grpcPort }) => {
    const { transport, close } = grpcJsTransport(`127.0.0.1:${grpcPort}`);
    return { ...clientsOver(transport), close };
  },
  "Connect JSON": ({ httpPort }) =>
    overHttp(
      createConnectTransport({
        baseUrl: `http://127.0.0.1:${httpPort}`,
        httpVersion: "1.1",
        useBinaryFormat: false,
        jsonOptions: { registry: createRegistry(ErrorInfoSchema, BadRequestSchema, RetryInfoSchema) },
      }),
    ),
  "gRPC-Web": ({ httpPort }) =>
    overHttp(createGrpcWebTransport({ baseUrl: `http://127.0.0.1:${httpPort}`, httpVersion: "1.1" })),
} as const satisfies Record<string, (ports: { readonly grpcPort: number; readonly httpPort: number }) => OpenClient>;

export type TransportName = keyof typeof TRANSPORTS;

function overHttp(transport: Transport): OpenClient {
  return { ...clientsOver(transport), close() {} };
}

/** grpc-js in the guise of a Connect transport: its errors and headers become those of the other clients. */
export function grpcJsTransport(
  address: string,
  options: grpc.ChannelOptions = {},
  credentials = grpc.credentials.createInsecure(),
): { readonly transport: Transport; close(): void } {
  const client = new grpc.Client(address, credentials, options);
  const transport: Transport = {
    unary: (method, signal, timeoutMs, header, input) =>
      new Promise((resolve, reject) => {
        const answer = { header: new Headers(), trailer: new Headers() };
        const call = client.makeUnaryRequest(
          pathOf(method),
          (bytes: Buffer) => bytes,
          (bytes: Buffer) => bytes,
          Buffer.from(toBinary(method.input, create(method.input, input))),
          metadataOf(header),
          optionsOf(timeoutMs),
          (error, bytes) => {
            if (error !== null || bytes === undefined) {
              reject(errorOf(error as grpc.ServiceError));
            } else {
              const message = fromBinary(method.output, bytes);
              // The trailers come with the status, after the message.
              queueMicrotask(() =>
                resolve({ stream: false, service: method.parent, method, message, ...answer } as never),
              );
            }
          },
        );
        call.on("metadata", (metadata: grpc.Metadata) => copy(metadata, answer.header));
        call.on("status", ({ metadata }: grpc.StatusObject) => copy(metadata, answer.trailer));
        signal?.addEventListener("abort", () => call.cancel());
      }),
    async stream(method, signal, timeoutMs, header, input) {
      const first = await input[Symbol.asyncIterator]().next();
      const answer = { header: new Headers(), trailer: new Headers() };
      const call = client.makeServerStreamRequest(
        pathOf(method),
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.from(toBinary(method.input, create(method.input, first.value))),
        metadataOf(header),
        optionsOf(timeoutMs),
      );
      call.on("metadata", (metadata: grpc.Metadata) => copy(metadata, answer.header));
      call.on("status", ({ metadata }: grpc.StatusObject) => copy(metadata, answer.trailer));
      call.on("error", () => {});
      signal?.addEventListener("abort", () => call.cancel());
      const message = (async function* () {
        try {
          for await (const bytes of call) {
            yield fromBinary(method.output, bytes as Buffer);
          }
        } catch (error) {
          throw errorOf(error as grpc.ServiceError);
        } finally {
          call.cancel();
        }
      })();
      return { stream: true, service: method.parent, method, message, ...answer } as never;
    },
  };
  return { transport, close: () => client.close() };
}

const pathOf = (method: DescMethodUnary | DescMethodStreaming) => `/${method.parent.typeName}/${method.name}`;

function metadataOf(header: ConstructorParameters<typeof Headers>[0]): grpc.Metadata {
  const metadata = new grpc.Metadata();
  new Headers(header).forEach((value, name) => {
    metadata.set(name, value);
  });
  return metadata;
}

function optionsOf(timeoutMs: number | undefined): grpc.CallOptions {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

function copy(metadata: grpc.Metadata, headers: Headers): void {
  for (const [name, value] of Object.entries(metadata.getMap())) {
    headers.set(name, typeof value === "string" ? value : value.toString("base64"));
  }
}

function errorOf(error: grpc.ServiceError): ConnectError {
  const [details] = error.metadata?.get("grpc-status-details-bin") ?? [];
  const parsed = new ConnectError(error.details, error.code as unknown as Code);
  if (details !== undefined) {
    parsed.details = fromBinary(StatusSchema, details as Buffer).details.map(({ typeUrl, value }) => ({
      type: typeUrl.replace(/.*\//, ""),
      value,
    }));
  }
  copy(error.metadata, parsed.metadata);
  return parsed;
}
