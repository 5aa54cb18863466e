/** Runs in the browser: a page that calls the service with connect-web. */
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { BadRequestSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { OrderStatusService } from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";

const TRANSPORTS = {
  Connect: (baseUrl) => createConnectTransport({ baseUrl }),
  "Connect, binary, GET": (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true, useHttpGet: true }),
  "gRPC-Web": (baseUrl) => createGrpcWebTransport({ baseUrl }),
};

/** Reads an order, makes mistakes, and watches the order while it changes it. */
export async function callAll(transport, baseUrl, token, id) {
  const orders = createClient(OrderStatusService, TRANSPORTS[transport](baseUrl));
  const headers = { authorization: `Bearer ${token}` };
  const orderId = BigInt(id);
  let callId = false;
  const onHeader = (received) => {
    callId = received.has("oms-call-id");
  };
  const { orderStatus } = await orders.getOrderStatus({ orderId }, { headers, onHeader });
  const invalid = await errorOf(orders.getOrderStatus({ orderId: 0n }, { headers }));
  const anonymous = await errorOf(orders.getOrderStatus({ orderId }));
  return {
    status: orderStatus,
    callId,
    invalidFields: invalid
      .findDetails(BadRequestSchema)
      .flatMap(({ fieldViolations }) => fieldViolations.map(({ field }) => field)),
    withoutToken: Code[anonymous.code],
    watched: await watchChange(orders, headers, orderId),
  };
}

async function errorOf(call) {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call did not fail");
}

/** The kinds and states of a watch's updates, until the change that is made after the first one. */
async function watchChange(orders, headers, orderId) {
  const watched = [];
  for await (const { update } of orders.watchOrderStatus({ orderIds: [orderId] }, { headers })) {
    if (update.case === "snapshot") {
      watched.push([update.case, update.value.orderStatus]);
      await orders.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "page" }, { headers });
    } else if (update.case === "change") {
      watched.push([update.case, update.value.toStatus]);
      break;
    }
  }
  return watched;
}
