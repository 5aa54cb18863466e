import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { ThirdPartyNotificationSchema } from "../../../gen/oms/events/v1/events_pb.ts";
import { type ActionHandler, DONE } from "../../messaging/runner/action.ts";
import type { EffectDeps } from "./deps.ts";
import { notificationOf } from "./marketplace-topics.ts";

/**
 * Publishes a marketplace order's changes for the marketplace gateway. Once-only at the gateway, by
 * our message id in the message; the broker drops repeats within minutes by `<message id>:<topic>`.
 */
export function thirdPartyNotify({ publisher }: Pick<EffectDeps, "publisher">): ActionHandler {
  return async (event, { messageId }) => {
    const notification = notificationOf(event);
    if (notification === undefined) {
      return DONE;
    }
    const { topic, version, occurTime, ...rest } = notification;
    const { orderId, orderSource, recordTime, traceparent } = event;
    await publisher.publishOnce({
      messageId: `${messageId}:${topic}`,
      orderId,
      subject: `oms.v1.thirdparty.${orderSource}.${topic}`,
      eventType: ThirdPartyNotificationSchema.typeName,
      body: toBinary(
        ThirdPartyNotificationSchema,
        create(ThirdPartyNotificationSchema, {
          ...rest,
          messageId,
          orderId,
          orderSource,
          family: topic,
          version: BigInt(version),
          occurTime: timestampFromDate(occurTime),
        }),
      ),
      recordTime,
      traceparent,
    });
    return DONE;
  };
}
