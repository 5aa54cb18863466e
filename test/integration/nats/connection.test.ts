import { expect, test, vi } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { useNats } from "../../support/servers.ts";
import { storedIds, useClient, useStream } from "./support.ts";

const nats = useNats();

test("it starts without a broker, and connects when the broker is up", async () => {
  await nats.kill();
  const stream = useStream(nats.url);
  expect(stream.client()).toBeUndefined();
  await nats.restart();
  await eventually(() => expect(stream.events).toEqual(["first"]));
  expect(stream.client()).toBeDefined();
});

test("it can be closed while the broker is down", async () => {
  await nats.kill();
  const stream = useStream(nats.url);
  await stream.close();
  expect(stream.client()).toBeUndefined();
  await nats.restart();
});

test("a restart with all messages is distinguished from one that lost some", async () => {
  const stream = useStream(nats.url);
  await eventually(() => expect(stream.events).toEqual(["first"]));
  const onDisconnect = vi.fn();
  stream.onDisconnect(onDisconnect);
  const ack = await stream.client()?.jetstream().publish("oms.v1.test", "x", { msgID: "kept" });
  stream.recordAck({ seq: ack?.seq ?? 0, messageId: "kept" });

  await nats.restart();
  await eventually(() => expect(stream.events).toEqual(["first", "restarted"]));
  expect(onDisconnect).toHaveBeenCalledTimes(1);

  // As after a power loss: the stream is the same, its end is missing.
  stream.recordAck({ seq: (ack?.seq ?? 0) + 1, messageId: "cut off" });
  await nats.restart();
  await eventually(() => expect(stream.events).toEqual(["first", "restarted", "lost"]));

  await nats.wipe();
  await eventually(() => expect(stream.events).toEqual(["first", "restarted", "lost", "lost"]));
});

test("a deleted stream is recreated", async () => {
  const stream = useStream(nats.url);
  await eventually(() => expect(stream.events).toEqual(["first"]));
  const client = await useClient(nats.url);
  await (await client.jetstreamManager()).streams.delete("OMS_EVENTS");
  await eventually(() => expect(stream.events).toEqual(["first", "lost"]));
  expect(await storedIds(client)).toEqual([]);
});

test("a stream whose files were deleted under a running broker is recreated on the broker's error", async () => {
  const stream = useStream(nats.url);
  await eventually(() => expect(stream.events).toEqual(["first"]));
  stream.checkStream(new Error("disk is full"));
  stream.checkStream(new Error("Error creating msg block file: open /x/msgs/2.blk: no such file or directory"));
  await eventually(() => {
    stream.checkStream(new Error("open /x/msgs/2.blk: no such file or directory"));
    expect(stream.events).toEqual(["first", "lost"]);
  });
});

test("a broken connection is resumed without a loss", async () => {
  const stream = useStream(nats.url);
  await eventually(() => expect(stream.events).toEqual(["first"]));
  await stream.client()?.reconnect();
  await eventually(() => expect(stream.events).toEqual(["first", "resumed"]));
});

test("a late listener is called at once, and not after it is removed", async () => {
  const stream = useStream(nats.url);
  await eventually(() => expect(stream.events).toEqual(["first"]));
  const late = vi.fn();
  const stop = stream.onConnect(late);
  expect(late.mock.calls.map(([, event]) => event)).toEqual(["first"]);
  stop();
  await stream.client()?.reconnect();
  await eventually(() => expect(stream.events).toEqual(["first", "resumed"]));
  expect(late).toHaveBeenCalledTimes(1);
});
