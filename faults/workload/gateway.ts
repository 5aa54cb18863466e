import { fromBinary } from "@bufbuild/protobuf";
import { AckPolicy, connect, DeliverPolicy, Events, type NatsConnection, nanos } from "nats";
import { ThirdPartyNotificationSchema } from "../../gen/oms/events/v1/events_pb.ts";
import { brokerOptions } from "../../src/messaging/nats/broker.ts";

/** A marketplace notification as the gateway received it, without repetitions. */
export interface Notification {
  /** Message id of the event that caused it. */
  readonly messageId: string;
  /** `<message id>:<topic>`; the gateway deduplicates by it. */
  readonly key: string;
  /**
   * Position among all notifications received live; undefined for one read from the stream
   * afterwards.
   */
  readonly sequence: number | undefined;
}

export interface GatewayLog {
  /** By order id, each notification once, in order of arrival. */
  readonly byOrder: ReadonlyMap<string, readonly Notification[]>;
  /** Repetitions that were dropped by their key. */
  readonly repeats: number;
}

export interface Gateway {
  readonly log: GatewayLog;
  /**
   * Reads from the stream what was published while disconnected. Call it when no events are
   * published any more.
   */
  catchUp(): Promise<void>;
  close(): Promise<void>;
}

const STREAM = "OMS_EVENTS";
const SUBJECT = "oms.v1.thirdparty.>";

/** Messages per fetch, and its timeout in milliseconds. */
const PAGE = 1_000;
const FETCH_TIMEOUT_MS = 2_000;

/** Time after which the broker removes the temporary consumer, in milliseconds. */
const CONSUMER_EXPIRY_MS = 10_000;

/**
 * Simulates the marketplace gateway: connected all the time, deduplicating by message id, as the
 * contract requires. Receives notifications live, and reads from the stream what it missed while
 * disconnected.
 *
 * When the stream is deleted, its messages are gone. A real gateway with a consumer of its own has
 * received all but the last milliseconds before; so has this one. What it neither received nor
 * could read counts as lost.
 */
export async function openGateway(url: string): Promise<Gateway> {
  const client = await connect({
    ...brokerOptions({ url }),
    name: "faults-gateway",
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
    pingInterval: 1_000,
    maxPingOut: 3,
  });
  const byOrder = new Map<string, Notification[]>();
  const keys = new Set<string>();
  const log = { byOrder, repeats: 0 };
  let sequence = 0;

  const receive = (data: Uint8Array, key: string, live: boolean) => {
    if (keys.has(key)) {
      log.repeats += live ? 1 : 0;
      return;
    }
    keys.add(key);
    const { messageId, orderId } = fromBinary(ThirdPartyNotificationSchema, data);
    const notifications = byOrder.get(String(orderId)) ?? [];
    byOrder.set(String(orderId), notifications);
    sequence += 1;
    notifications.push({ messageId, key, sequence: live ? sequence : undefined });
  };

  client.subscribe(SUBJECT, {
    callback: (error, { data, headers }) => {
      if (error === null) {
        receive(data, headers?.get("Nats-Msg-Id") ?? "", true);
      }
    },
  });

  const catchUp = () => readStream(client, (data, key) => receive(data, key, false));
  void (async () => {
    for await (const { type } of client.status()) {
      if (type === Events.Reconnect) {
        // Immediately, because the stream may be deleted before the end.
        await catchUp().catch(() => {});
      }
    }
  })();

  return { log, catchUp, close: () => client.close() };
}

async function readStream(client: NatsConnection, receive: (data: Uint8Array, key: string) => void): Promise<void> {
  const manager = await client.jetstreamManager();
  const { name } = await manager.consumers.add(STREAM, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    filter_subject: SUBJECT,
    mem_storage: true,
    inactive_threshold: nanos(CONSUMER_EXPIRY_MS),
  });
  const consumer = await client.jetstream().consumers.get(STREAM, name);
  for (let left = (await consumer.info()).num_pending; left > 0; ) {
    const messages = await consumer.fetch({ max_messages: Math.min(left, PAGE), expires: FETCH_TIMEOUT_MS });
    let count = 0;
    for await (const message of messages) {
      receive(message.data, message.headers?.get("Nats-Msg-Id") ?? "");
      count += 1;
    }
    left = count === 0 ? 0 : left - count;
  }
}
