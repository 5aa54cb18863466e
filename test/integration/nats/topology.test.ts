import { nanos } from "nats";
import { beforeEach, expect, test } from "vitest";
import { DEFAULT_TOPOLOGY, ensureTopology, recreateTopology } from "../../../src/messaging/nats/topology.ts";
import { useNats } from "../../support/servers.ts";
import { storedIds, useClient } from "./support.ts";

const nats = useNats();

beforeEach(() => nats.wipe());

async function streamOf(client: Awaited<ReturnType<typeof useClient>>) {
  const manager = await client.jetstreamManager({ checkAPI: false });
  return { manager, info: await manager.streams.info("OMS_EVENTS") };
}

test("concurrent servers create one stream", async () => {
  const clients = await Promise.all(Array.from({ length: 4 }, () => useClient(nats.url)));
  const streams = await Promise.all(clients.map((client) => ensureTopology(client, DEFAULT_TOPOLOGY)));
  expect(new Set(streams.map(({ created }) => created)).size).toBe(1);
  const { info } = await streamOf(clients[0] as (typeof clients)[0]);
  expect(info.config).toMatchObject({
    subjects: ["oms.v1.>"],
    storage: "file",
    retention: "limits",
    duplicate_window: nanos(300_000),
  });
});

test("a stream with other settings gets the required ones, and keeps its messages and its other settings", async () => {
  const client = await useClient(nats.url);
  const manager = await client.jetstreamManager();
  await manager.streams.add({
    name: "OMS_EVENTS",
    subjects: ["old.>"],
    max_age: nanos(60_000),
    duplicate_window: nanos(1_000),
    max_msg_size: 1_000_000,
  });
  await client.jetstream().publish("old.one", "kept", { msgID: "one" });
  await ensureTopology(client, DEFAULT_TOPOLOGY);
  const { info } = await streamOf(client);
  expect(info.config).toMatchObject({
    subjects: ["oms.v1.>"],
    duplicate_window: nanos(300_000),
    max_age: nanos(300_000),
    max_msg_size: 1_000_000,
  });
  expect(await storedIds(client)).toEqual(["one"]);
});

test("a stream with sufficient settings is left unchanged", async () => {
  const client = await useClient(nats.url);
  const first = await ensureTopology(client, DEFAULT_TOPOLOGY);
  const { manager, info } = await streamOf(client);
  await manager.streams.update("OMS_EVENTS", {
    ...info.config,
    max_age: nanos(3_600_000),
    duplicate_window: nanos(600_000),
  });
  expect(await ensureTopology(client, DEFAULT_TOPOLOGY)).toEqual(first);
  const { config } = (await streamOf(client)).info;
  expect([config.max_age, config.duplicate_window]).toEqual([nanos(3_600_000), nanos(600_000)]);
});

test("a recreated stream has another identity", async () => {
  const client = await useClient(nats.url);
  const first = await ensureTopology(client, DEFAULT_TOPOLOGY);
  const second = await recreateTopology(client, DEFAULT_TOPOLOGY);
  expect(second.created).not.toBe(first.created);
  expect(await storedIds(client)).toEqual([]);
});
