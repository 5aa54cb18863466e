import { readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { statusChanged } from "../../support/events.ts";
import { useClient } from "../nats/support.ts";
import { useHarness } from "./harness.ts";

const world = useHarness();

beforeEach(world.reset);

/** An order for which each of the six Actions has something to do: a marketplace's recharge card. */
const ALL_SIX = { orderSource: 2001, orderType: 31 };

const shipped = (orderId: bigint) => statusChanged({ orderId, toStatus: Status.HANDED_OVER, version: 1, ...ALL_SIX });
const delivered = (orderId: bigint) => statusChanged({ orderId, toStatus: Status.DELIVERED, version: 2, ...ALL_SIX });

/** Puts load on a server for as long as the work takes: orders that are shipped and delivered. Says how many orders. */
async function underLoad(server: ReturnType<typeof world.startServer>, work: () => Promise<void>): Promise<bigint[]> {
  const orders: bigint[] = [];
  let over = false;
  const load = async () => {
    while (!over) {
      const orderId = BigInt(orders.length + 1);
      orders.push(orderId);
      await server.change(shipped(orderId));
      await server.change(delivered(orderId));
    }
  };
  const loading = load();
  await world.eventually(() => expect(orders.length).toBeGreaterThan(20));
  await work();
  const soFar = orders.length;
  await world.eventually(() => expect(orders.length).toBeGreaterThan(soFar + 20));
  over = true;
  await loading;
  return orders;
}

/** Every effect that these orders are due, and how often each happened at its receiver, must be the same. */
async function expectAllOnce(orders: readonly bigint[]): Promise<void> {
  await world.allDone();
  const both = orders.flatMap((order) => [`${order}-1`, `${order}-2`]).toSorted();
  const deliveries = orders.map((order) => `${order}-2`).toSorted();
  const doneAt = async (system: string) => {
    const { received } = await world.neighbours.received({ system, limit: 100_000 });
    return received
      .filter(({ done }) => done)
      .map(({ key }) => key)
      .toSorted();
  };
  expect(await doneAt("einvoice")).toEqual(deliveries);
  expect(await doneAt("finance")).toEqual(deliveries);
  expect(await doneAt("message")).toEqual(both);
  const settled = await world.database().selectFrom("oms_db.oms_order_status_rule").select("message_id").execute();
  expect(settled.map(({ message_id }) => message_id).toSorted()).toEqual(deliveries);
  const actions = [
    "third-party-notify",
    "settlement-push",
    "gift-record",
    "e-invoice",
    "finance-push",
    "customer-message",
  ];
  const ledger = await world.ledger();
  expect(ledger.toSorted()).toEqual(
    [
      ...orders.flatMap((order) =>
        ["third-party-notify", "customer-message"].map((name) => `${order}-1 ${name}: DONE`),
      ),
      ...orders.flatMap((order) => actions.map((name) => `${order}-2 ${name}: DONE`)),
    ].toSorted(),
  );
}

/** Message ids that marketplaces were told, as they can dedupe them. */
async function toldToMarketplaces(): Promise<Set<string>> {
  const client = await useClient(world.nats.url);
  const manager = await client.jetstreamManager({ checkAPI: false });
  const { state } = await manager.streams.info("OMS_EVENTS");
  const told = new Set<string>();
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
    const { subject, header } = await manager.streams.getMessage("OMS_EVENTS", { seq });
    if (subject.startsWith("oms.v1.thirdparty.")) {
      told.add(header.get("Nats-Msg-Id").split(":")[0] as string);
    }
  }
  return told;
}

test("the broker is killed under load: every effect once", async () => {
  const server = world.startServer();
  const orders = await underLoad(server, async () => {
    await world.nats.kill();
    await world.eventually(() => expect(server.stream.client()).toBeUndefined());
    await world.nats.restart();
  });
  await expectAllOnce(orders);
  expect((await toldToMarketplaces()).size).toBe(orders.length * 2);
});

test("the broker loses its whole directory under load: every effect once", async () => {
  const server = world.startServer();
  const orders = await underLoad(server, () => world.nats.wipe());
  await expectAllOnce(orders);
});

test("the directory is deleted under a living broker: every effect once", async () => {
  const server = world.startServer();
  const orders = await underLoad(server, async () => {
    rmSync(join(readlinkSync(`/proc/${world.nats.pid}/cwd`), "jetstream"), { recursive: true, force: true });
  });
  await expectAllOnce(orders);
  // The broker notices when it next needs a new file: a restart comes sooner here.
  await world.nats.restart();
  await server.change(shipped(1_000_000n), delivered(1_000_000n));
  await expectAllOnce([...orders, 1_000_000n]);
});

test("without a broker the ledger carries the events, but for what the broker itself is needed for", async () => {
  await world.nats.kill();
  const server = world.startServer({ ledgerWatchMs: 200 });
  await server.change(shipped(1n), delivered(1n));
  await world.eventually(async () => {
    const open = (await world.ledger()).filter((line) => !line.endsWith("DONE"));
    expect(open.map((line) => line.split(" ")[1])).toEqual(["third-party-notify:", "third-party-notify:"]);
  });
  await world.nats.restart();
  await expectAllOnce([1n]);
  expect(await toldToMarketplaces()).toEqual(new Set(["1-1", "1-2"]));
});

test("without Redis only customer messages wait", async () => {
  const server = world.startServer();
  const orders = await underLoad(server, async () => {
    await world.redis.kill();
    await server.change(shipped(500_000n), delivered(500_000n));
    await world.eventually(async () => {
      const open = (await world.ledger(500_000n)).filter((line) => !line.endsWith("DONE"));
      expect(open.map((line) => line.split(":")[0])).toEqual([
        "500000-1 customer-message",
        "500000-2 customer-message",
      ]);
    });
    await world.redis.restart();
  });
  await expectAllOnce([...orders, 500_000n]);
});

test("neighbours are killed under load: every effect once", async () => {
  const server = world.startServer({ maxAttempts: 1_000 });
  const orders = await underLoad(server, () => world.neighbours.restart());
  await expectAllOnce(orders);
});

test("what a crash left in the outbox is carried out after the next start", async () => {
  const crashed = world.startServer();
  await crashed.stop();
  await crashed.change(shipped(1n), delivered(1n));
  world.startServer();
  await expectAllOnce([1n]);
});

test("two servers share the work, and one that stops leaves none undone", async () => {
  await world.neighbours.control({ system: "message", mode: "slow", delayMs: 50 });
  const one = world.startServer({ concurrency: 4 });
  const two = world.startServer({ concurrency: 4 });
  const orders = await underLoad(two, () => one.stop());
  await expectAllOnce(orders);
  const attempts = async (server: typeof one) => {
    const { values } = await server.metrics.actionAttempts.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  expect(await attempts(one)).toBeGreaterThan(0);
  expect(await attempts(two)).toBeGreaterThan(0);
});

test("the end waits for what runs, within its limit", async () => {
  await world.neighbours.control({ system: "message", mode: "slow", delayMs: 400 });
  const server = world.startServer();
  await server.change(shipped(1n));
  await world.eventually(async () => {
    const { received } = await world.neighbours.received({ system: "finance" });
    expect(received).toEqual([]);
    expect((await world.ledger()).filter((line) => line.endsWith("DONE"))).toEqual(["1-1 third-party-notify: DONE"]);
  });
  await server.stop(5_000);
  expect((await world.ledger()).filter((line) => !line.endsWith("DONE"))).toEqual([]);

  await world.neighbours.control({ system: "message", mode: "hang" });
  const other = world.startServer({ leaseMs: 60_000, downstreamTimeoutMs: 50_000 });
  await other.change(delivered(1n));
  await world.eventually(async () => {
    const { received } = await world.neighbours.received({ system: "message", key: "1-2" });
    expect(received).toHaveLength(1);
  });
  const began = performance.now();
  await other.stop(100);
  expect(performance.now() - began).toBeLessThan(3_000);
  const left = (await world.ledger()).filter((line) => !line.endsWith("DONE"));
  expect(left).toEqual(["1-2 customer-message: RETRYING"]);
  await world.neighbours.reset();
  world.startServer();
  await world.allDone();
});
