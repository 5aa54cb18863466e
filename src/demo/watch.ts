import { status as GrpcCode, type ServiceError } from "@grpc/grpc-js";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { Client } from "./client.ts";

/** Watches all orders with one stream, as a page that shows them would. */
export async function watchOrders(client: Client, orderIds: readonly bigint[]) {
  const stream = client.watch(OrderStatusService.method.watchOrderStatus, { orderIds: [...orderIds] }, "demo");
  const changes: string[] = [];
  const versions = new Map<bigint, bigint>();
  const faults: string[] = [];
  let snapshots = 0;
  const { promise: begun, resolve, reject } = Promise.withResolvers<void>();
  stream.on("data", ({ update }: { update: { case?: string; value?: { orderId: bigint; version: bigint } } }) => {
    if (update.case === "snapshot") {
      snapshots += 1;
      if (snapshots === orderIds.length) {
        resolve();
      }
    }
    if (update.case === "change" && update.value !== undefined) {
      const { orderId, version } = update.value;
      changes.push(`${orderId}-${version}`);
      const before = versions.get(orderId) ?? 0n;
      if (version !== before + 1n) {
        faults.push(`the watch saw version ${version} of order ${orderId} after version ${before}`);
      }
      versions.set(orderId, version);
    }
  });
  stream.on("error", (error: ServiceError) => {
    if (error.code !== GrpcCode.CANCELLED) {
      faults.push(`the watch ended: ${error.message}`);
      reject(error);
    }
  });
  await begun;
  return {
    /** What was seen, as message ids, in the order in which it came. */
    changes: changes as readonly string[],
    /** Versions out of turn. */
    faults: faults as readonly string[],
    close: () => stream.cancel(),
  };
}
