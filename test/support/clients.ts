import { createRegistry } from "@bufbuild/protobuf";
import type { Client, Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import type { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { createClients, createConnection, type ServiceClients } from "../../tools/client/index.ts";

/** The main service as functions. */
export type OrderStatusClient = Client<typeof OrderStatusService>;

/** A client of each service; `client` is that of OrderStatusService. */
export interface Clients extends Omit<ServiceClients, "orderStatus"> {
  readonly client: OrderStatusClient;
}

/** Clients with their connection. */
export interface OpenClient extends Clients {
  close(): void;
}

/** The transports of the service, each with the same typed clients. */
export const TRANSPORTS = {
  gRPC: ({ grpcPort }) => {
    const { orderStatus, ...connection } = createConnection(`127.0.0.1:${grpcPort}`);
    return { client: orderStatus, ...connection };
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
  const { orderStatus, ...clients } = createClients(transport);
  return { client: orderStatus, ...clients, close() {} };
}
