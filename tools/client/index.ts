import { createSecureContext } from "node:tls";

import { type CallOptions, type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { FulfilmentService } from "../../gen/oms/fulfilment/v1/fulfilment_service_pb.ts";
import { ActionService } from "../../gen/oms/operations/v1/action_service_pb.ts";
import { ShadowService } from "../../gen/oms/operations/v1/shadow_service_pb.ts";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { OrderReversalService } from "../../gen/oms/reversal/v1/order_reversal_service_pb.ts";

/**
 * Deadline of a call, in milliseconds, unless the call sets another one; `timeoutMs: 0` means none.
 */
export const DEADLINE_MS = 20_000;

const CALLER_HEADER = "oms-caller";

/** A client of each service. */
export interface ServiceClients {
  readonly orderStatus: Client<typeof OrderStatusService>;
  readonly fulfilment: Client<typeof FulfilmentService>;
  readonly reversal: Client<typeof OrderReversalService>;
  readonly actions: Client<typeof ActionService>;
  readonly shadow: Client<typeof ShadowService>;
}

/** Clients that share one connection. */
export interface ServiceConnection extends ServiceClients {
  /** Opens the connection; rejects if the server cannot be reached. */
  connect(): Promise<void>;
  /** Closes the connection and ends open streams. */
  close(): void;
}

export interface ConnectionOptions {
  /** Name of the caller, unless a call sets another one (`asCaller`). */
  readonly caller?: string;
  /** CA of the service's certificate, PEM. Undefined: the connection is not encrypted. */
  readonly ca?: string | undefined;
  /** Client certificate and its key, PEM; only with `ca`. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
  /** Bearer token. */
  readonly token?: string | undefined;
  /** Run around every call. */
  readonly interceptors?: readonly Interceptor[];
}

export function createClients(transport: Transport): ServiceClients {
  return {
    orderStatus: createClient(OrderStatusService, transport),
    fulfilment: createClient(FulfilmentService, transport),
    reversal: createClient(OrderReversalService, transport),
    actions: createClient(ActionService, transport),
    shadow: createClient(ShadowService, transport),
  };
}

/**
 * Creates gRPC clients of the service at HOST:PORT. Connects on the first call.
 *
 * @throws Error if the CA, certificate or key is not valid PEM
 */
export function createConnection(
  address: string,
  { caller, ca, certificate, token, interceptors = [] }: ConnectionOptions = {},
): ServiceConnection {
  const baseUrl = `${ca === undefined ? "http" : "https"}://${address}`;
  const tls = ca === undefined ? {} : { secureContext: createSecureContext({ ca, ...certificate }) };
  const sessionManager = new Http2SessionManager(baseUrl, undefined, tls);
  const setHeaders: Interceptor = (next) => (request) => {
    if (caller !== undefined && !request.header.has(CALLER_HEADER)) {
      request.header.set(CALLER_HEADER, caller);
    }
    if (token !== undefined) {
      request.header.set("authorization", `Bearer ${token}`);
    }
    return next(request);
  };
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager,
    defaultTimeoutMs: DEADLINE_MS,
    interceptors: [...interceptors, setHeaders],
  });
  return {
    ...createClients(transport),
    async connect() {
      if ((await sessionManager.connect()) === "error") {
        throw sessionManager.error();
      }
    },
    close: () => sessionManager.abort(),
  };
}

/** Call options that name the caller. */
export function asCaller(caller: string): CallOptions {
  return { headers: { [CALLER_HEADER]: caller } };
}
