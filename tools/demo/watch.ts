import { status as GrpcCode, type ServiceError } from "@grpc/grpc-js";
import { OrderStatusService } from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { Client } from "../client/index.ts";
import { UnexpectedResponse } from "./expected-state.ts";

/** Longest wait for a change that somebody else makes. */
const UNTIL_MS = 30_000;

/** What the demo sees of its orders while they move. */
export type Watch = ReturnType<typeof watchOrders>;

/** Watches all orders with one stream, as a page that shows them would. */
export function watchOrders(client: Client, orderIds: readonly bigint[]) {
  const afterVersions = Object.fromEntries(orderIds.map((id) => [String(id), 0n]));
  const request = { orderIds: [...orderIds], afterVersions };
  const stream = client.watch(OrderStatusService.method.watchOrderStatus, request, "demo");
  const waiting = new Map<string, () => void>();
  const changes: string[] = [];
  const versions = new Map<bigint, bigint>();
  const faults: string[] = [];
  stream.on("data", ({ update }: { update: { case?: string; value?: { orderId: bigint; version: bigint } } }) => {
    if (update.case === "change" && update.value !== undefined) {
      const { orderId, version } = update.value;
      changes.push(`${orderId}-${version}`);
      const before = versions.get(orderId) ?? 0n;
      if (version !== before + 1n) {
        faults.push(`the watch saw version ${version} of order ${orderId} after version ${before}`);
      }
      versions.set(orderId, version);
      waiting.get(`${orderId}-${version}`)?.();
    }
  });
  stream.on("error", (error: ServiceError) => {
    if (error.code !== GrpcCode.CANCELLED) {
      faults.push(`the watch ended: ${error.message}`);
    }
  });
  return {
    /** Waits, a bounded time, until the order has come to this version. */
    async until(orderId: bigint, version: number): Promise<void> {
      if ((versions.get(orderId) ?? 0n) >= BigInt(version)) {
        return;
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const key = `${orderId}-${version}`;
      const timer = setTimeout(
        () =>
          reject(new UnexpectedResponse(`order ${orderId} did not come to version ${version} in ${UNTIL_MS / 1000} s`)),
        UNTIL_MS,
      );
      waiting.set(key, resolve);
      await promise.finally(() => {
        clearTimeout(timer);
        waiting.delete(key);
      });
    },
    /** What was seen, as message ids, in the order in which it came. */
    changes: changes as readonly string[],
    /** Versions out of turn. */
    faults: faults as readonly string[],
    close: () => stream.cancel(),
  };
}
