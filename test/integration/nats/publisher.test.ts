import { readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createPublisher, type Publisher } from "../../../src/messaging/nats/publisher.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { eventually } from "../../support/eventually.ts";
import { useNats } from "../../support/servers.ts";
import { message, storedIds, useClient, useStream } from "./support.ts";

const nats = useNats();

function usePublisher(options: { maxInFlight?: number; ackTimeoutMs?: number } = {}) {
  const stream = useStream(nats.url);
  const metrics = createMetrics();
  const logged: string[] = [];
  const log = createLogger("warn", { write: (line) => void logged.push(line) });
  const publisher = createPublisher({ stream, log, metrics, ...options });
  onTestFinished(() => publisher.close());
  const published: string[] = [];
  const publish = (messages: Parameters<Publisher["publish"]>[0]) =>
    publisher.publish(messages, ({ messageId }) => published.push(messageId));
  return { stream, metrics, publisher, published, publish, logged };
}

test("a message is published with its envelope", async () => {
  await nats.wipe();
  const { publish, published, metrics } = usePublisher();
  const client = await useClient(nats.url);
  const received: unknown[] = [];
  client.subscribe("oms.v1.>", {
    callback: (_error, { subject, data, headers }) => {
      received.push({
        subject,
        data: [...data],
        headers: Object.fromEntries([...(headers ?? [])].map(([key, [value]]) => [key, value])),
      });
    },
  });
  await client.flush();
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  publish([message(7n, 3, { traceparent })]);
  await eventually(() => expect(published).toEqual(["7-3"]));
  await eventually(() => expect(received).toHaveLength(1));
  expect(received).toEqual([
    {
      subject: "oms.v1.order.status.3010",
      data: [8, 3],
      headers: {
        "Nats-Msg-Id": "7-3",
        "ce-id": "7-3",
        "ce-type": "oms.events.v1.OrderStatusChanged",
        "ce-source": "/oms/order-status",
        "ce-time": "2026-03-04T05:06:07.089Z",
        "ce-specversion": "1.0",
        "content-type": "application/protobuf",
        traceparent,
      },
    },
  ]);
  expect((await metrics.published.get()).values[0]?.value).toBe(1);
});

test("a repeat is acknowledged and not stored", async () => {
  await nats.wipe();
  const { publish, published } = usePublisher();
  publish([message(1n, 1), message(1n, 1)]);
  publish([message(1n, 1)]);
  await eventually(() => expect(published).toEqual(["1-1", "1-1", "1-1"]));
  expect(await storedIds(await useClient(nats.url))).toEqual(["1-1"]);
});

test("messages published while the broker is down are sent when it is back, in order per order", async () => {
  await nats.wipe();
  const { publish, published, publisher, stream } = usePublisher({ maxInFlight: 3 });
  await eventually(() => expect(stream.client()).toBeDefined());
  await nats.kill();
  for (let version = 1; version <= 4; version += 1) {
    publish([1n, 2n, 3n, 4n, 5n].map((orderId) => message(orderId, version)));
  }
  expect(publisher.unpublished()).toBe(20);
  await nats.restart();
  await eventually(() => expect(published).toHaveLength(20));
  expect(publisher.unpublished()).toBe(0);
  const stored = await storedIds(await useClient(nats.url));
  for (const orderId of [1, 2, 3, 4, 5]) {
    expect(stored.filter((id) => id.startsWith(`${orderId}-`))).toEqual(
      [1, 2, 3, 4].map((version) => `${orderId}-${version}`),
    );
  }
});

test("a message that the broker rejects delays only its order", async () => {
  await nats.wipe();
  const { publish, published, stream, publisher } = usePublisher();
  await eventually(() => expect(stream.client()).toBeDefined());
  const client = await useClient(nats.url);
  const manager = await client.jetstreamManager();
  const { config } = await manager.streams.info("OMS_EVENTS");
  await manager.streams.update("OMS_EVENTS", { ...config, max_msg_size: 1_000 });
  publish([
    message(1n, 1),
    message(1n, 2, { body: new Uint8Array(2_000) }),
    message(1n, 3),
    message(2n, 1),
    message(2n, 2),
  ]);
  await eventually(() => expect(published.toSorted()).toEqual(["1-1", "2-1", "2-2"]));
  expect(publisher.unpublished()).toBe(2);
  await manager.streams.update("OMS_EVENTS", { ...config, max_msg_size: -1 });
  await eventually(() => expect(published).toHaveLength(5));
  expect((await storedIds(client)).filter((id) => id.startsWith("1-"))).toEqual(["1-1", "1-2", "1-3"]);
});

test("a message without an acknowledgement is sent again", async () => {
  await nats.wipe();
  const { publish, published, stream, logged } = usePublisher({ ackTimeoutMs: 100 });
  await eventually(() => expect(stream.client()).toBeDefined());
  const { pid } = nats;
  process.kill(pid, "SIGSTOP");
  onTestFinished(() => void process.kill(pid, "SIGCONT"));
  publish([message(1n, 1), message(1n, 2)]);
  await eventually(() => expect(logged.join()).toContain("no acknowledgement within 100 ms"));
  process.kill(pid, "SIGCONT");
  await eventually(() => expect(published).toEqual(["1-1", "1-2"]));
  expect(await storedIds(await useClient(nats.url))).toEqual(["1-1", "1-2"]);
});

test("a single attempt reports why it failed", async () => {
  await nats.wipe();
  const { publisher, stream } = usePublisher();
  await eventually(() => expect(stream.client()).toBeDefined());
  await publisher.publishOnce(message(1n, 1));
  await expect(publisher.publishOnce(message(1n, 2, { subject: "elsewhere" }))).rejects.toThrow(
    "no stream stores this subject",
  );
  await expect(publisher.publishOnce(message(1n, 3, { body: new Uint8Array(2_000_000) }))).rejects.toThrow(
    "cannot be sent",
  );
  await nats.kill();
  await eventually(() => expect(stream.client()).toBeUndefined());
  await expect(publisher.publishOnce(message(1n, 4))).rejects.toThrow("NATS unreachable");
  await nats.restart();
  expect(await storedIds(await useClient(nats.url))).toEqual(["1-1"]);
});

test("when the stream is lost, waiting messages are discarded", async () => {
  await nats.wipe();
  const { publish, published, publisher, stream } = usePublisher();
  publish([message(1n, 1)]);
  await eventually(() => expect(published).toEqual(["1-1"]));
  await nats.kill();
  await eventually(() => expect(stream.client()).toBeUndefined());
  publish([message(1n, 2), message(1n, 3), message(2n, 1)]);
  await nats.wipe();
  await eventually(() => expect(stream.events).toEqual(["first", "lost"]));
  expect(publisher.unpublished()).toBe(0);
  publish([message(1n, 1), message(1n, 2)]);
  await eventually(() => expect(published).toEqual(["1-1", "1-1", "1-2"]));
  expect(await storedIds(await useClient(nats.url))).toEqual(["1-1", "1-2"]);
});

test("a directory deleted under a running broker is detected by its errors, and the stream recreated", async () => {
  await nats.wipe();
  const { publish, published, stream } = usePublisher();
  publish([message(1n, 1)]);
  await eventually(() => expect(published).toEqual(["1-1"]));
  rmSync(join(readlinkSync(`/proc/${nats.pid}/cwd`), "jetstream"), { recursive: true });
  // The broker works until it needs a new file.
  const body = new Uint8Array(500_000);
  let version = 1;
  await eventually(() => {
    version += 1;
    publish([message(2n, version, { body })]);
    expect(stream.events).toEqual(["first", "lost"]);
  }, 50);
  publish([message(3n, 1)]);
  await eventually(() => expect(published).toContain("3-1"));
  expect(await storedIds(await useClient(nats.url))).toContain("3-1");
});
