import { expect, test } from "vitest";
import { SERVICES } from "../../../../src/transport/handlers/index.ts";
import { nearestRpc, pathOfMethod } from "../../../../src/transport/wire/unknown-rpc.ts";

const PATHS = SERVICES.flatMap(({ methods }) => methods.map(pathOfMethod));
const ORDER_STATUS = "/oms.orderstatus.v1.OrderStatusService";

test.each([
  [`${ORDER_STATUS}/GetOrderState`, `${ORDER_STATUS}/GetOrderStatus`],
  [`${ORDER_STATUS}/updateOrderStatus`, `${ORDER_STATUS}/UpdateOrderStatus`],
  ["/OrderStatusService/GetOrderStatus", `${ORDER_STATUS}/GetOrderStatus`],
  ["/oms.orderstatus.v2.OrderStatusService/GetOrderStatus", `${ORDER_STATUS}/GetOrderStatus`],
  [`${ORDER_STATUS}/DiscardParked`, "/oms.operations.v1.ActionService/DiscardParked"],
  ["/oms.operation.v1.ActionService/DiscardPark", "/oms.operations.v1.ActionService/DiscardParked"],
])("%s means %s", (path, meant) => {
  expect(nearestRpc(path, PATHS)).toBe(meant);
});

test.each(["/orders/5", "/", "", "/favicon.ico", `${ORDER_STATUS}/`, `/${"x".repeat(100_000)}`])(
  "%s means no RPC",
  (path) => {
    expect(nearestRpc(path, PATHS)).toBeUndefined();
  },
);
