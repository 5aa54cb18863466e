import { expect, onTestFinished, test } from "vitest";
import { type Delivery, subscribe } from "../../../src/messaging/nats/subscriber.ts";
import { eventually } from "../../support/eventually.ts";
import { useNats } from "../../support/servers.ts";
import { silentLog, useClient, useStream } from "./support.ts";

const nats = useNats();

/** A subscription that records its deliveries. */
function useSubscription(options: { ackWaitMs?: number; url?: string } = {}) {
  const stream = useStream(nats.url);
  const deliveries: (Delivery & { text: string })[] = [];
  const consumer = {
    durable: "tester--any",
    subject: "oms.v1.*",
    ackWaitMs: options.ackWaitMs ?? 30_000,
    maxAckPending: 10,
  };
  const subscription = subscribe({
    stream,
    log: silentLog,
    consumer,
    checkIntervalMs: 100,
    onDelivery: (delivery) => deliveries.push(Object.assign(delivery, { text: Buffer.from(delivery.body).toString() })),
  });
  onTestFinished(() => subscription.close());
  return { stream, subscription, deliveries, texts: () => deliveries.map(({ text }) => text) };
}

async function publish(...texts: string[]) {
  const client = await useClient(nats.url);
  for (const text of texts) {
    await eventually(() => client.jetstream().publish(`oms.v1.${text}`, text));
  }
}

async function managerOf() {
  return (await useClient(nats.url)).jetstreamManager();
}

test("a message is redelivered until it is ended", async () => {
  await nats.wipe();
  const { deliveries, texts } = useSubscription({ ackWaitMs: 500 });
  await publish("a", "b", "c");
  await eventually(() => expect(texts()).toEqual(expect.arrayContaining(["a", "b", "c"])));
  deliveries.find(({ text }) => text === "b")?.nak(10);
  const times = (text: string) => texts().filter((one) => one === text).length;
  await eventually(() => expect([times("b") > 1, times("c") > 1]).toEqual([true, true]));
  const manager = await managerOf();
  await eventually(async () => {
    for (const delivery of deliveries) {
      if (delivery.text === "c") {
        delivery.term();
      } else {
        delivery.ack();
      }
    }
    const { num_ack_pending, ack_floor } = await manager.consumers.info("OMS_EVENTS", "tester--any");
    expect([num_ack_pending, ack_floor.stream_seq]).toEqual([0, 3]);
  });
});

test("servers share a consumer, and messages that one leaves unacknowledged reach another", async () => {
  await nats.wipe();
  const one = useSubscription();
  await publish("a", "b");
  await eventually(() => expect(one.texts()).toEqual(["a", "b"]));
  one.deliveries[0]?.ack();
  await one.subscription.close();
  const other = useSubscription();
  one.deliveries[1]?.nak(0);
  await eventually(() => expect(other.texts()).toEqual(["b"]));
});

test("a restart of the broker loses nothing", async () => {
  await nats.wipe();
  const { deliveries, texts } = useSubscription({ ackWaitMs: 1_000 });
  await publish("a", "b");
  await eventually(() => expect(texts()).toEqual(["a", "b"]));
  deliveries[0]?.ack();
  await nats.restart();
  await publish("c");
  await eventually(() => expect(texts()).toEqual(expect.arrayContaining(["b", "c"])));
  for (const delivery of deliveries) {
    delivery.ack();
  }
});

test("a deleted consumer is recreated at its position", async () => {
  await nats.wipe();
  const { deliveries, texts, stream } = useSubscription();
  await publish("a", "b");
  await eventually(() => expect(texts()).toEqual(["a", "b"]));
  deliveries[0]?.ack();
  deliveries[1]?.ack();
  const manager = await managerOf();
  // Until the check has read its position.
  await eventually(async () => {
    const { ack_floor } = await manager.consumers.info("OMS_EVENTS", "tester--any");
    expect(ack_floor.stream_seq).toBe(2);
  });
  await checks(stream, 2);
  await manager.consumers.delete("OMS_EVENTS", "tester--any");
  await publish("c");
  await eventually(() => expect(texts()).toEqual(["a", "b", "c"]));
});

test("in a new stream it starts over, and a late acknowledgement ends no new message", async () => {
  await nats.wipe();
  const { deliveries, texts, stream } = useSubscription({ ackWaitMs: 1_000 });
  await publish("a");
  await eventually(() => expect(texts()).toContain("a"));
  await nats.wipe();
  await eventually(() => expect(stream.events).toContain("lost"));
  await publish("b");
  await eventually(() => expect(texts()).toContain("b"));
  // Both are number 1 of their streams.
  deliveries.find(({ text }) => text === "a")?.ack();
  await eventually(() => expect(texts().filter((text) => text === "b").length).toBeGreaterThan(1));
  deliveries.at(-1)?.ack();
});

/** Waits for this number of the subscription's checks, by the requests they send. */
async function checks(stream: ReturnType<typeof useStream>, times: number): Promise<void> {
  const stats = () => stream.client()?.stats().outMsgs ?? 0;
  const before = stats();
  await eventually(() => expect(stats()).toBeGreaterThan(before + times * 2));
}
