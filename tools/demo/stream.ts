import { fromBinary } from "@bufbuild/protobuf";
import { connect, DeliverPolicy, type JsMsg } from "nats";
import { ThirdPartyNotificationSchema } from "../../gen/oms/events/v1/events_pb.ts";
import { brokerOptions } from "../../src/messaging/nats/broker.ts";
import type { Range } from "./database.ts";

const STREAM = "OMS_EVENTS";

/** Messages of the demo's orders in the event stream. */
export interface Published {
  /** Message ids of events, in stream order. */
  readonly events: string[];
  /** Message ids of events notified to marketplaces. */
  readonly toMarketplaces: string[];
}

/** Opens the event stream as another system would. */
export async function openStream(url: string) {
  const client = await connect({ ...brokerOptions({ url }), name: "oms-demo" });
  const manager = await client.jetstreamManager();
  const lastSequence = async () => (await manager.streams.info(STREAM)).state.last_seq;
  const begin = await lastSequence();

  function sort(message: JsMsg, { first, last }: Range, published: Published): void {
    const toMarketplace = message.subject.startsWith("oms.v1.thirdparty.");
    const messageId = toMarketplace
      ? fromBinary(ThirdPartyNotificationSchema, message.data).messageId
      : (message.headers?.get("Nats-Msg-Id") ?? "");
    const orderId = BigInt(/^\d+/.exec(messageId)?.[0] ?? 0);
    if (orderId >= first && orderId <= last) {
      (toMarketplace ? published.toMarketplaces : published.events).push(messageId);
    }
  }

  return {
    close: () => client.close(),
    /** All messages since the stream was opened. */
    async read(range: Range): Promise<Published> {
      const published: Published = { events: [], toMarketplaces: [] };
      const end = await lastSequence();
      if (end <= begin) {
        return published;
      }
      const consumer = await client
        .jetstream()
        .consumers.get(STREAM, { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: begin + 1 });
      const messages = await consumer.consume({ max_messages: 1_000 });
      for await (const message of messages) {
        sort(message, range, published);
        if (message.seq >= end) {
          break;
        }
      }
      await messages.close();
      return published;
    },
  };
}
