import type { MessageInitShape } from "@bufbuild/protobuf";
import { expect, onTestFinished } from "vitest";
import type {
  WatchOrderStatusRequestSchema,
  WatchOrderStatusResponse,
} from "../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { OrderStatusClient } from "./clients.ts";
import { eventually } from "./eventually.ts";

/**
 * Updates received by a watch, as text: "<order> at <version>: <status>" and "<order> <version>:
 * <from> > <to>".
 */
export interface Watcher {
  readonly updates: readonly string[];
  readonly heartbeats: () => number;
  /** Waits until exactly these were received. */
  expectUpdates(updates: readonly string[]): Promise<void>;
  /** Resolves with the error that ended the stream. */
  readonly ended: Promise<unknown>;
  stop(): void;
}

/** Watches until the end of the test, or `stop`. */
export function startWatcher(
  client: OrderStatusClient,
  request: MessageInitShape<typeof WatchOrderStatusRequestSchema>,
): Watcher {
  const updates: string[] = [];
  const controller = new AbortController();
  let heartbeats = 0;
  const ended = (async () => {
    for await (const update of client.watchOrderStatus(request, { signal: controller.signal })) {
      const text = updateText(update);
      if (text === undefined) {
        heartbeats += 1;
      } else {
        updates.push(text);
      }
    }
  })().catch((error: unknown) => error);
  onTestFinished(() => controller.abort());
  return {
    updates,
    heartbeats: () => heartbeats,
    expectUpdates: (expected) => eventually(() => expect(updates).toEqual(expected)),
    ended,
    stop: () => controller.abort(),
  };
}

function updateText({ update }: WatchOrderStatusResponse): string | undefined {
  switch (update.case) {
    case "snapshot":
      return `${update.value.orderId} at ${update.value.version}: ${update.value.orderStatus}`;
    case "change": {
      const { orderId, version, fromStatus, toStatus } = update.value;
      return `${orderId} ${version}: ${fromStatus} > ${toStatus}`;
    }
    default:
      return undefined;
  }
}
