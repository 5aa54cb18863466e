import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ThirdPartyNotificationSchema } from "../../../gen/oms/events/v1/events_pb.ts";
import type { OrderEvent } from "../../domain/events.ts";
import { isMarketplace, type OrderKinds } from "../../domain/order-kinds.ts";
import type { Publisher } from "../../messaging/nats/publisher.ts";
import { type Action, DONE } from "../../messaging/runner/action.ts";
import { TOPICS } from "./third-party/index.ts";

/**
 * Third-party notify: a marketplace order's changes go to the marketplace gateway's queue, in the words of the adapter that knows them.
 * Once-only at the gateway, by our message id in the message; the broker drops repeats within minutes by `<message id>:<family>`.
 */
export function thirdPartyNotify({
  kinds,
  publisher,
}: {
  readonly kinds: OrderKinds;
  readonly publisher: Publisher;
}): Action {
  return {
    name: "third-party-notify",
    // One consumer for all statuses, not one for each.
    subjects: ["oms.v1.order.status.*", "oms.v1.order.delivery.changed"],
    matches: (event) => isMarketplace(kinds, event) && translated(event) !== undefined,
    async run(event, { messageId }) {
      const found = translated(event);
      if (found === undefined) {
        return DONE;
      }
      const { topic, notification } = found;
      const { orderId, orderSource, recordTime, traceparent } = event;
      await publisher.publishOnce({
        messageId: `${messageId}:${topic}`,
        orderId,
        subject: `oms.v1.thirdparty.${orderSource}.${topic}`,
        eventType: ThirdPartyNotificationSchema.typeName,
        body: toBinary(
          ThirdPartyNotificationSchema,
          create(ThirdPartyNotificationSchema, {
            ...notification,
            messageId,
            orderId,
            orderSource,
            family: topic,
            version: BigInt(notification.version),
            occurTime: timestampFromDate(notification.occurTime),
          }),
        ),
        recordTime,
        traceparent,
      });
      return DONE;
    },
  };
}

function translated(event: OrderEvent) {
  for (const { topic, translate } of TOPICS) {
    const notice = translate(event);
    if (notice !== undefined) {
      return { topic, notification: notice };
    }
  }
  return undefined;
}
