/**
 * A Connect server over HTTP/1.1 with no-op handlers, on the same library and messages: the cost of
 * a JSON call before any work.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import { getAnswer, updateAnswer } from "./support/no-op-answers.ts";
import { announce } from "./support/process.ts";

const adapter = connectNodeAdapter({
  grpc: false,
  grpcWeb: false,
  routes: (router) =>
    router.service(OrderStatusService, { updateOrderStatus: updateAnswer, getOrderStatus: getAnswer }),
});
const server = createServer(adapter);
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
announce({ port, httpPort: port }, async () => {
  server.close();
  server.closeAllConnections();
});
