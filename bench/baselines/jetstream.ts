/**
 * Upper limit of the broker: publishes messages like the service's, with as many in flight, then
 * consumes and acknowledges them through one durable consumer. Uses a stream of its own.
 *
 *     node bench/baselines/jetstream.ts --seconds 5
 */
import { parseArgs } from "node:util";
import {
  AckPolicy,
  connect,
  createInbox,
  DeliverPolicy,
  type JetStreamManager,
  type NatsConnection,
  RetentionPolicy,
  StorageType,
} from "nats";
import { brokerOptions } from "../../src/messaging/nats/broker.ts";
import { headersOf } from "../../src/messaging/nats/envelope.ts";
import { measured } from "./support/measured.ts";
import { requiredVariable } from "./support/process.ts";

/** Messages in flight, and prefetched. */
const IN_FLIGHT = 512;
const BODY = new Uint8Array(160).fill(7);
const NAME = "BENCH";
const SUBJECT = "bench.events";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "5" } } });
const client = await connect(brokerOptions({ url: requiredVariable("NATS_URL") }));
const manager = await client.jetstreamManager();
await manager.streams.add({
  name: NAME,
  subjects: [SUBJECT],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
});
try {
  let published = { count: 0, perSecond: 0 };
  let consumed = 0;
  await measured(async () => {
    published = await publishFor(client, Number(values.seconds));
    consumed = await consumeAll(client, manager, published.count);
    return published.count;
  });
  console.log(JSON.stringify({ measurements: { "published/s": published.perSecond, "consumed/s": consumed } }));
} finally {
  await manager.streams.delete(NAME);
  await client.close();
}

/** Publishes for this time, a new message per acknowledgement, and counts acknowledged messages. */
function publishFor(nats: NatsConnection, seconds: number): Promise<{ count: number; perSecond: number }> {
  return new Promise((resolve) => {
    const inbox = createInbox();
    const began = performance.now();
    const end = began + seconds * 1_000;
    let sent = 0;
    let acknowledged = 0;
    const send = () => {
      sent += 1;
      nats.publish(SUBJECT, BODY, { headers: headersOf(messageAt(sent)), reply: inbox });
    };
    const subscription = nats.subscribe(inbox, {
      callback: () => {
        acknowledged += 1;
        if (performance.now() < end) {
          send();
        } else if (acknowledged === sent) {
          subscription.unsubscribe();
          resolve({ count: sent, perSecond: (sent / (performance.now() - began)) * 1_000 });
        }
      },
    });
    for (let first = 0; first < IN_FLIGHT; first += 1) {
      send();
    }
  });
}

function messageAt(index: number) {
  return {
    messageId: `${index}-1`,
    orderId: BigInt(index),
    subject: SUBJECT,
    eventType: "oms.events.v1.OrderStatusChanged",
    body: BODY,
    recordTime: new Date(),
    traceparent: "",
  };
}

/** Consumes all messages. Resolves with the rate per second. */
async function consumeAll(nats: NatsConnection, { consumers }: JetStreamManager, count: number): Promise<number> {
  await consumers.add(NAME, {
    durable_name: NAME,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    max_ack_pending: 2 * IN_FLIGHT,
  });
  const consumer = await nats.jetstream().consumers.get(NAME, NAME);
  const began = performance.now();
  let left = count;
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  const messages = await consumer.consume({
    max_messages: IN_FLIGHT,
    callback: (message) => {
      message.ack();
      left -= 1;
      if (left === 0) {
        finish();
      }
    },
  });
  await done;
  await nats.flush();
  const elapsed = performance.now() - began;
  await messages.close();
  return (count / elapsed) * 1_000;
}
