import { fromBinary } from "@bufbuild/protobuf";
import { AckPolicy, connect, DeliverPolicy, Events, type NatsConnection, nanos } from "nats";
import { ThirdPartyNotificationSchema } from "../../gen/oms/events/v1/events_pb.ts";

/** A marketplace's message as the gateway took it, repeats left aside. */
export interface Notification {
  /** Of the event that it tells of. */
  readonly messageId: string;
  /** `<message id>:<category>`; the gateway dedupes by it. */
  readonly key: string;
  /** When it came, as its place among all that came live; undefined for one that was read from the stream afterwards. */
  readonly sequence: number | undefined;
}

/** By the order's id, each message once, in the order of coming. */
export interface GatewayLog {
  readonly byOrder: ReadonlyMap<string, readonly Notification[]>;
  /** Messages that came again, and were dropped by their key. */
  readonly repeats: number;
}

export interface Gateway {
  readonly log: GatewayLog;
  /** Reads from the stream what came while there was no connection; to be called once all is quiet. */
  catchUp(): Promise<void>;
  close(): Promise<void>;
}

const STREAM = "OMS_EVENTS";
const SUBJECT = "oms.v1.thirdparty.>";

/** Messages read at once, and how long they may take, in milliseconds. */
const PAGE = 1_000;
const EXPIRES_MS = 2_000;

/** How soon the broker forgets the consumer that they were read with, in milliseconds. */
const FORGOTTEN_MS = 10_000;

/**
 * The marketplaces' gateway, as the suite plays it: there all the time, and deduping by message id, as the contract asks of it. It hears a
 * message live, as it is published, and reads from the stream what it missed while the broker was down or it had not yet come back.
 *
 * With the stream deleted, the messages in it are gone for everybody. A real gateway with a consumer of its own has taken what was published
 * before but for the last milliseconds; so has this one. What neither heard nor could read counts as lost here, as it is for the marketplace.
 */
export async function openGateway(url: string): Promise<Gateway> {
  const client = await connect({
    servers: url,
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
  let place = 0;

  const take = (data: Uint8Array, key: string, live: boolean) => {
    if (keys.has(key)) {
      log.repeats += live ? 1 : 0;
      return;
    }
    keys.add(key);
    const { messageId, orderId } = fromBinary(ThirdPartyNotificationSchema, data);
    const notifications = byOrder.get(String(orderId)) ?? [];
    byOrder.set(String(orderId), notifications);
    place += 1;
    notifications.push({ messageId, key, sequence: live ? place : undefined });
  };

  client.subscribe(SUBJECT, {
    callback: (error, { data, headers }) => {
      if (error === null) {
        take(data, headers?.get("Nats-Msg-Id") ?? "", true);
      }
    },
  });

  const catchUp = () => readStream(client, (data, key) => take(data, key, false));
  void (async () => {
    for await (const { type } of client.status()) {
      if (type === Events.Reconnect) {
        // Soon, and not only at the end: the stream may be deleted before.
        await catchUp().catch(() => {});
      }
    }
  })();

  return { log, catchUp, close: () => client.close() };
}

async function readStream(client: NatsConnection, take: (data: Uint8Array, key: string) => void): Promise<void> {
  const manager = await client.jetstreamManager();
  const { name } = await manager.consumers.add(STREAM, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    filter_subject: SUBJECT,
    mem_storage: true,
    inactive_threshold: nanos(FORGOTTEN_MS),
  });
  const consumer = await client.jetstream().consumers.get(STREAM, name);
  for (let left = (await consumer.info()).num_pending; left > 0; ) {
    const messages = await consumer.fetch({ max_messages: Math.min(left, PAGE), expires: EXPIRES_MS });
    let came = 0;
    for await (const message of messages) {
      take(message.data, message.headers?.get("Nats-Msg-Id") ?? "");
      came += 1;
    }
    left = came === 0 ? 0 : left - came;
  }
}
