import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { OrderStatusService } from "../../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { ServiceClients } from "../../../../tools/client/index.ts";
import { watchOrders } from "../../../../tools/demo/watch.ts";

/** A watch of a service that sends the first change, then ends the stream. */
function watchUntil(end: () => void) {
  const transport = createRouterTransport(({ rpc }) => {
    rpc(OrderStatusService.method.watchOrderStatus, async function* () {
      yield { update: { case: "change" as const, value: { orderId: 5n, version: 1n } } };
      end();
    });
  });
  const orderStatus = createClient(OrderStatusService, transport);
  const watch = watchOrders({ orderStatus } as unknown as ServiceClients, [5n]);
  onTestFinished(() => watch.close());
  return watch;
}

const reject = () => {
  throw new ConnectError("too many orders", Code.InvalidArgument);
};

test.each<[string, () => void, string]>([
  ["is rejected", reject, "the watch failed: [invalid_argument] too many orders"],
  ["ends", () => {}, "the watch ended"],
])("scenarios do not wait for changes of a watch that %s", async (_, end, message) => {
  const watch = watchUntil(end);
  await watch.until(5n, 1);
  await expect(watch.until(5n, 2)).rejects.toThrow(message);
  await expect(watch.until(5n, 3)).rejects.toThrow(message);
  expect(watch.faults).toEqual([message]);
});
