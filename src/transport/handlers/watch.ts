import { create } from "@bufbuild/protobuf";
import {
  type WatchOrderStatusResponse,
  WatchOrderStatusResponse_ChangeSchema,
  WatchOrderStatusResponse_HeartbeatSchema,
  WatchOrderStatusResponseSchema,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { OperationDeps } from "../../application/deps.ts";
import { type WatchUpdate, watchOrderStatus } from "../../application/watch/watch-order-status.ts";
import type { StatusChanged } from "../../domain/events.ts";
import { changeFields, snapshotMessage } from "./messages.ts";
import type { OrderStatusHandlers } from "./types.ts";

const HEARTBEAT = create(WatchOrderStatusResponseSchema, {
  update: { case: "heartbeat", value: create(WatchOrderStatusResponse_HeartbeatSchema) },
});

/** The message of each change, shared by all watchers of the order. */
const messages = new WeakMap<StatusChanged, WatchOrderStatusResponse>();

/**
 * WatchOrderStatus, the streaming RPC of OrderStatusService.
 *
 * @param heartbeatMs interval between heartbeats of an idle watch
 */
export function createWatchHandler(
  deps: OperationDeps,
  heartbeatMs: number,
): Pick<OrderStatusHandlers, "watchOrderStatus"> {
  return {
    async *watchOrderStatus(request, context) {
      const afterVersions = new Map(
        Object.entries(request.afterVersions).map(([id, version]) => [BigInt(id), Number(version)]),
      );
      const { orderIds, rootOrderId } = request;
      const input = { orderIds, rootOrderId, afterVersions, heartbeatMs };
      for await (const update of watchOrderStatus(deps, input, context)) {
        yield toMessage(update);
      }
    },
  };
}

function toMessage(update: WatchUpdate): WatchOrderStatusResponse {
  switch (update.kind) {
    case "snapshot":
      return create(WatchOrderStatusResponseSchema, {
        update: { case: "snapshot", value: snapshotMessage(update.order) },
      });
    case "change":
      return changeMessage(update.change);
    case "heartbeat":
      return HEARTBEAT;
  }
}

function changeMessage(change: StatusChanged): WatchOrderStatusResponse {
  let message = messages.get(change);
  if (message === undefined) {
    const value = create(WatchOrderStatusResponse_ChangeSchema, changeFields(change));
    message = create(WatchOrderStatusResponseSchema, { update: { case: "change", value } });
    messages.set(change, message);
  }
  return message;
}
