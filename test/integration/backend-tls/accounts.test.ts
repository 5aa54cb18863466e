import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AckPolicy, connect, type NatsConnection } from "nats";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { connectStream } from "../../../src/messaging/nats/connection.ts";
import { createPublisher } from "../../../src/messaging/nats/publisher.ts";
import { createLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { eventually } from "../../support/eventually.ts";
import { useOwnServer } from "../../support/servers.ts";
import { message, storedIds } from "../nats/support.ts";
import { natsWithFile } from "./servers.ts";

const CONFIGURATION = readFileSync(join(import.meta.dirname, "../../../deploy/nats/accounts.conf"), "utf8");
const server = useOwnServer(
  natsWithFile(CONFIGURATION, {
    OMS_NATS_PASSWORD: "secret-of-oms",
    LOYALTY_NATS_PASSWORD: "secret-of-loyalty",
    ADMIN_NATS_PASSWORD: "secret-of-admin",
  }),
);
const quiet = createLogger("silent");
const urlOf = (user: string) => `nats://${user}:secret-of-${user}@127.0.0.1:${server.port}`;

/** Publishes events as the service does. */
const stored = [1, 2, 3].map((version) => message(7n, version, { subject: "oms.v1.order.status.6010" }));
const others = [4, 5].map((version) => message(7n, version, { subject: "oms.v1.order.status.5020" }));

beforeAll(async () => {
  const stream = connectStream({ url: urlOf("oms"), log: quiet });
  const publisher = createPublisher({ stream, log: quiet, metrics: createMetrics() });
  publisher.publish([...stored, ...others], () => {});
  await eventually(() => expect(publisher.unpublished()).toBe(0));
  publisher.close();
  await stream.close();
  const service = await client("oms");
  const manager = await service.jetstreamManager();
  for (const [durable_name, filter_subject] of [
    ["loyalty-points", "oms.v1.order.status.6010"],
    ["of-another", "oms.v1.>"],
  ] as const) {
    await manager.consumers.add("OMS_EVENTS", { durable_name, filter_subject, ack_policy: AckPolicy.Explicit });
  }
  await service.close();
});

async function client(user: string): Promise<NatsConnection> {
  const { hostname, port, username, password } = new URL(urlOf(user));
  return connect({ servers: `${hostname}:${port}`, user: username, pass: password, timeout: 20_000 });
}

async function loyalty(): Promise<NatsConnection> {
  const connection = await client("loyalty");
  onTestFinished(() => connection.close());
  return connection;
}

/** The contents of the stream, read as the service. */
async function streamIds(): Promise<string[]> {
  const service = await client("oms");
  const ids = await storedIds(service);
  await service.close();
  return ids;
}

test("the service may create stream and consumers, publish and subscribe", async () => {
  const stream = connectStream({ url: urlOf("oms"), log: quiet });
  onTestFinished(() => stream.close());
  await eventually(() => expect(stream.client()).toBeDefined());
  expect(await streamIds()).toEqual(["7-1", "7-2", "7-3", "7-4", "7-5"]);
});

describe("a subscriber", () => {
  test("receives its events from its own consumer, and acknowledges them", async () => {
    const connection = await loyalty();
    const consumer = await connection
      .jetstream({ apiPrefix: "JS.ORDERS" })
      .consumers.get("OMS_EVENTS", "loyalty-points");
    const ids: string[] = [];
    const messages = await consumer.fetch({ max_messages: 3, expires: 5_000 });
    for await (const one of messages) {
      ids.push(one.headers?.get("Nats-Msg-Id") ?? "");
      expect(await one.ackAck()).toBe(true);
    }
    expect(ids).toEqual(["7-1", "7-2", "7-3"]);
    const { num_pending, num_ack_pending } = await consumer.info();
    expect([num_pending, num_ack_pending]).toEqual([0, 0]);
  });

  test.each([
    ["the stream's description", "$JS.API.STREAM.INFO.OMS_EVENTS", ""],
    ["a message of the stream", "$JS.API.STREAM.MSG.GET.OMS_EVENTS", '{"seq":1}'],
    ["deleting a message", "$JS.API.STREAM.MSG.DELETE.OMS_EVENTS", '{"seq":1}'],
    ["emptying the stream", "$JS.API.STREAM.PURGE.OMS_EVENTS", ""],
    ["deleting the stream", "$JS.API.STREAM.DELETE.OMS_EVENTS", ""],
    ["another stream", "$JS.API.STREAM.CREATE.MINE", '{"name":"MINE","subjects":["oms.v1.>"]}'],
    ["another consumer's description", "$JS.API.CONSUMER.INFO.OMS_EVENTS.of-another", ""],
    ["another consumer's messages", "$JS.API.CONSUMER.MSG.NEXT.OMS_EVENTS.of-another", ""],
    ["a consumer of everything", "$JS.API.CONSUMER.CREATE.OMS_EVENTS", '{"stream_name":"OMS_EVENTS","config":{}}'],
    [
      "its own consumer with more in it",
      "$JS.API.CONSUMER.DURABLE.CREATE.OMS_EVENTS.loyalty-points",
      '{"stream_name":"OMS_EVENTS","config":{"durable_name":"loyalty-points"}}',
    ],
    ["deleting its consumer", "$JS.API.CONSUMER.DELETE.OMS_EVENTS.loyalty-points", ""],
    ["another consumer's, by its own prefix", "JS.ORDERS.CONSUMER.MSG.NEXT.OMS_EVENTS.of-another", ""],
    ["an event", "oms.v1.order.status.6010", "x"],
  ])("is denied: %s", async (_, subject, body) => {
    const connection = await loyalty();
    await expect(connection.request(subject, body, { timeout: 20_000 })).rejects.toThrow(/permissions violation/i);
    expect(await streamIds()).toHaveLength(5);
  });

  test.each(["oms.v1.>", "$JS.>", ">", "$SYS.>"])("receives nothing of %s", async (subject) => {
    const connection = await loyalty();
    const subscription = connection.subscribe(subject);
    await expect(
      (async () => {
        for await (const _ of subscription) {
          return "a message";
        }
      })(),
    ).rejects.toThrow(/permissions violation/i);
  });

  test("cannot have messages delivered into the stream", async () => {
    const service = await client("oms");
    // Without an id, by which the stream would drop a second one.
    await service.jetstream().publish("oms.v1.order.status.6010", "x");
    const connection = await loyalty();
    const next = "JS.ORDERS.CONSUMER.MSG.NEXT.OMS_EVENTS.loyalty-points";
    connection.publish(next, '{"batch":1,"no_wait":true}', { reply: "oms.v1.order.status.6010" });
    await connection.flush();
    const consumer = await connection
      .jetstream({ apiPrefix: "JS.ORDERS" })
      .consumers.get("OMS_EVENTS", "loyalty-points");
    const own = await consumer.next({ expires: 5_000 });
    expect(own?.string()).toBe("x");
    const manager = await service.jetstreamManager();
    expect((await manager.streams.info("OMS_EVENTS")).state.last_seq).toBe(6);
    await service.close();
  });

  test("cannot acknowledge messages of another consumer", async () => {
    const connection = await loyalty();
    const acknowledgement = connection.request("$JS.ACK.OMS_EVENTS.of-another.1.1.1.1.0", "+ACK", { timeout: 20_000 });
    await expect(acknowledgement).rejects.toThrow(/permissions violation/i);
  });
});

test.each(["oms", "loyalty", "admin"])(
  "%s is rejected with a wrong password, and so is any user without one",
  async (user) => {
    const servers = `127.0.0.1:${server.port}`;
    await expect(connect({ servers, user, pass: "guess" })).rejects.toThrow(/authorization violation/i);
    await expect(connect({ servers })).rejects.toThrow(/authorization violation/i);
  },
);
