import { expect, test, vi } from "vitest";
import { useNats } from "../../support/servers.ts";
import { storedIds, useClient, useStream } from "./support.ts";

const nats = useNats();

test("it starts without a broker, and finds it when it is there", async () => {
  await nats.kill();
  const stream = useStream(nats.url);
  expect(stream.client()).toBeUndefined();
  await nats.restart();
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first"]), 10_000);
  expect(stream.client()).toBeDefined();
});

test("it can be closed while the broker is away", async () => {
  await nats.kill();
  const stream = useStream(nats.url);
  await stream.close();
  expect(stream.client()).toBeUndefined();
  await nats.restart();
});

test("it tells a broker that came back with all it had from one that did not", async () => {
  const stream = useStream(nats.url);
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first"]), 10_000);
  const away = vi.fn();
  stream.onDisconnect(away);
  const ack = await stream.client()?.jetstream().publish("oms.v1.test", "x", { msgID: "kept" });
  stream.recordAck({ seq: ack?.seq ?? 0, messageId: "kept" });

  await nats.restart();
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first", "restarted"]), 10_000);
  expect(away).toHaveBeenCalledTimes(1);

  // As after a power loss: the stream is the same, its end is missing.
  stream.recordAck({ seq: (ack?.seq ?? 0) + 1, messageId: "cut off" });
  await nats.restart();
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first", "restarted", "lost"]), 10_000);

  await nats.wipe();
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first", "restarted", "lost", "lost"]), 10_000);
});

test("a stream that somebody deletes is made anew", async () => {
  const stream = useStream(nats.url);
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first"]), 10_000);
  const client = await useClient(nats.url);
  await (await client.jetstreamManager()).streams.delete("OMS_EVENTS");
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first", "lost"]), 10_000);
  expect(await storedIds(client)).toEqual([]);
});

test("a stream whose files are gone under a living broker is made anew at the broker's word for it", async () => {
  const stream = useStream(nats.url);
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first"]), 10_000);
  stream.checkStream(new Error("disk is full"));
  stream.checkStream(new Error("Error creating msg block file: open /x/msgs/2.blk: no such file or directory"));
  await vi.waitFor(() => {
    stream.checkStream(new Error("open /x/msgs/2.blk: no such file or directory"));
    expect(stream.arrivals).toEqual(["first", "lost"]);
  }, 10_000);
});

test("a link that breaks is mended without a loss", async () => {
  const stream = useStream(nats.url);
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first"]), 10_000);
  await stream.client()?.reconnect();
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first", "resumed"]), 10_000);
});

test("whoever listens late hears of the arrival at once, and no more after the end", async () => {
  const stream = useStream(nats.url);
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first"]), 10_000);
  const late = vi.fn();
  const stop = stream.onConnect(late);
  expect(late.mock.calls.map(([, arrival]) => arrival)).toEqual(["first"]);
  stop();
  await stream.client()?.reconnect();
  await vi.waitFor(() => expect(stream.arrivals).toEqual(["first", "resumed"]), 10_000);
  expect(late).toHaveBeenCalledTimes(1);
});
