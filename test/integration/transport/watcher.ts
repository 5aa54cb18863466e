import type { MessageInitShape } from "@bufbuild/protobuf";
import { expect, onTestFinished } from "vitest";
import type {
  WatchOrderStatusRequestSchema,
  WatchOrderStatusResponse,
} from "../../../gen/oms/orderstatus/v1/order_status_service_pb.ts";
import type { OrderStatusClient } from "../../support/clients.ts";
import { eventually } from "./eventually.ts";

/** What a watcher was told, in words: "<order> at <version>: <state>" and "<order> <version>: <from> > <to>". */
export interface Watcher {
  readonly told: readonly string[];
  readonly heartbeats: () => number;
  /** Waits until exactly this was told. */
  toldExactly(words: readonly string[]): Promise<void>;
  /** How the stream ended. */
  readonly ended: Promise<unknown>;
  stop(): void;
}

/** Watches until the test is over, or `stop`. */
export function startWatcher(
  client: OrderStatusClient,
  request: MessageInitShape<typeof WatchOrderStatusRequestSchema>,
): Watcher {
  const told: string[] = [];
  const controller = new AbortController();
  let heartbeats = 0;
  const ended = (async () => {
    for await (const update of client.watchOrderStatus(request, { signal: controller.signal })) {
      const words = inWords(update);
      if (words === undefined) {
        heartbeats += 1;
      } else {
        told.push(words);
      }
    }
  })().catch((error: unknown) => error);
  onTestFinished(() => controller.abort());
  return {
    told,
    heartbeats: () => heartbeats,
    toldExactly: (words) => eventually(() => expect(told).toEqual(words)),
    ended,
    stop: () => controller.abort(),
  };
}

function inWords({ update }: WatchOrderStatusResponse): string | undefined {
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
