import type { DescMessage, DescService, MessageShape } from "@bufbuild/protobuf";
import type { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { CallContext } from "../../application/context.ts";

/** A handler for each RPC of a service, with the messages of the contract. */
export type HandlersOf<Service extends DescService> = {
  readonly [Name in keyof Service["method"]]: Service["method"][Name] extends {
    methodKind: infer Kind;
    input: infer Input extends DescMessage;
    output: infer Output extends DescMessage;
  }
    ? (
        request: MessageShape<Input>,
        context: CallContext,
      ) => Kind extends "server_streaming" ? AsyncIterable<MessageShape<Output>> : Promise<MessageShape<Output>>
    : never;
};

export type OrderStatusHandlers = HandlersOf<typeof OrderStatusService>;
