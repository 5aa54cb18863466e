import { readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { statusChanged } from "../../support/events.ts";
import { useClient } from "../nats/support.ts";
import { useHarness } from "./harness.ts";

const harness = useHarness();

beforeEach(harness.reset);

/** An order that each of the six effects matches: a marketplace's recharge card. */
const ALL_SIX = { orderSource: 2001, orderType: 31 };

const shipped = (orderId: bigint) => statusChanged({ orderId, toStatus: Status.HANDED_OVER, version: 1, ...ALL_SIX });
const delivered = (orderId: bigint) => statusChanged({ orderId, toStatus: Status.DELIVERED, version: 2, ...ALL_SIX });

/** Ships and delivers orders while the work runs. @returns the orders */
async function underLoad(server: ReturnType<typeof harness.startServer>, work: () => Promise<void>): Promise<bigint[]> {
  const orders: bigint[] = [];
  let over = false;
  const load = async () => {
    while (!over) {
      const orderId = BigInt(orders.length + 1);
      orders.push(orderId);
      await server.change(shipped(orderId));
      await server.change(delivered(orderId));
      // A fast machine would commit more than the receivers carry out while the test waits.
      await sleep(5);
    }
  };
  const loading = load();
  await harness.eventually(() => expect(orders.length).toBeGreaterThan(20));
  await work();
  const soFar = orders.length;
  await harness.eventually(() => expect(orders.length).toBeGreaterThan(soFar + 20));
  over = true;
  await loading;
  return orders;
}

/** Expects every effect of these orders exactly once at its receiver. */
async function expectAllOnce(orders: readonly bigint[]): Promise<void> {
  await harness.allDone();
  const both = orders.flatMap((order) => [`${order}-1`, `${order}-2`]).toSorted();
  const deliveries = orders.map((order) => `${order}-2`).toSorted();
  const doneAt = async (system: string) => {
    const { received } = await harness.stubSystems.received({ system, limit: 100_000 });
    return received
      .filter(({ done }) => done)
      .map(({ key }) => key)
      .toSorted();
  };
  expect(await doneAt("einvoice")).toEqual(deliveries);
  expect(await doneAt("finance")).toEqual(deliveries);
  expect(await doneAt("message")).toEqual(both);
  const settled = await harness.database().selectFrom("oms_db.oms_order_status_rule").select("message_id").execute();
  expect(settled.map(({ message_id }) => message_id).toSorted()).toEqual(deliveries);
  const actions = [
    "third-party-notify",
    "settlement-push",
    "gift-record",
    "e-invoice",
    "finance-push",
    "customer-message",
  ];
  const ledger = await harness.ledger();
  expect(ledger.toSorted()).toEqual(
    [
      ...orders.flatMap((order) =>
        ["third-party-notify", "customer-message"].map((name) => `${order}-1 ${name}: DONE`),
      ),
      ...orders.flatMap((order) => actions.map((name) => `${order}-2 ${name}: DONE`)),
    ].toSorted(),
  );
}

/** The message ids of the marketplace notifications, by which the gateway deduplicates. */
async function marketplaceNotifications(): Promise<Set<string>> {
  const client = await useClient(harness.nats.url);
  const manager = await client.jetstreamManager({ checkAPI: false });
  const { state } = await manager.streams.info("OMS_EVENTS");
  const notified = new Set<string>();
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
    const { subject, header } = await manager.streams.getMessage("OMS_EVENTS", { seq });
    if (subject.startsWith("oms.v1.thirdparty.")) {
      notified.add(header.get("Nats-Msg-Id").split(":")[0] as string);
    }
  }
  return notified;
}

test("the broker is killed under load: every effect once", async () => {
  const server = harness.startServer();
  const orders = await underLoad(server, async () => {
    await harness.nats.kill();
    await harness.eventually(() => expect(server.stream.client()).toBeUndefined());
    await harness.nats.restart();
  });
  await expectAllOnce(orders);
  expect((await marketplaceNotifications()).size).toBe(orders.length * 2);
});

test("the broker loses its whole directory under load: every effect once", async () => {
  const server = harness.startServer();
  const orders = await underLoad(server, () => harness.nats.wipe());
  await expectAllOnce(orders);
});

test("the broker's directory is deleted while it runs: every effect once", async () => {
  const server = harness.startServer();
  const orders = await underLoad(server, async () => {
    rmSync(join(readlinkSync(`/proc/${harness.nats.pid}/cwd`), "jetstream"), { recursive: true, force: true });
  });
  await expectAllOnce(orders);
  // The broker detects it when it next needs a new file; a restart is faster.
  await harness.nats.restart();
  await server.change(shipped(1_000_000n), delivered(1_000_000n));
  await expectAllOnce([...orders, 1_000_000n]);
});

test("without a broker the ledger delivers the events of all effects that do not publish", async () => {
  await harness.nats.kill();
  const server = harness.startServer({ ledgerWatchMs: 200 });
  await server.change(shipped(1n), delivered(1n));
  await harness.eventually(async () => {
    const open = (await harness.ledger()).filter((line) => !line.endsWith("DONE"));
    expect(open.map((line) => line.split(" ")[1])).toEqual(["third-party-notify:", "third-party-notify:"]);
  });
  await harness.nats.restart();
  await expectAllOnce([1n]);
  expect(await marketplaceNotifications()).toEqual(new Set(["1-1", "1-2"]));
});

test("without Redis only customer messages wait", async () => {
  const server = harness.startServer();
  const orders = await underLoad(server, async () => {
    await harness.redis.kill();
    await server.change(shipped(500_000n), delivered(500_000n));
    await harness.eventually(async () => {
      const open = (await harness.ledger(500_000n)).filter((line) => !line.endsWith("DONE"));
      expect(open.map((line) => line.split(":")[0])).toEqual([
        "500000-1 customer-message",
        "500000-2 customer-message",
      ]);
    });
    await harness.redis.restart();
  });
  await expectAllOnce([...orders, 500_000n]);
});

test("the external systems are restarted under load: every effect once", async () => {
  const server = harness.startServer();
  const orders = await underLoad(server, () => harness.stubSystems.restart());
  await expectAllOnce(orders);
});

test("events left in the outbox by a crash take effect after the next start", async () => {
  const crashed = harness.startServer();
  await crashed.stop();
  await crashed.change(shipped(1n), delivered(1n));
  harness.startServer();
  await expectAllOnce([1n]);
});

test("two servers share the work, and one that stops loses none", async () => {
  await harness.stubSystems.control({ system: "message", mode: "slow", delayMs: 50 });
  const one = harness.startServer({ concurrency: 4 });
  const two = harness.startServer({ concurrency: 4 });
  const attempts = async (server: typeof one) => {
    const { values } = await server.metrics.actionAttempts.get();
    return values.reduce((sum, { value }) => sum + value, 0);
  };
  const orders = await underLoad(two, async () => {
    await harness.eventually(async () => expect(await attempts(one)).toBeGreaterThan(0));
    await one.stop();
  });
  await expectAllOnce(orders);
  expect(await attempts(two)).toBeGreaterThan(0);
});

test("a stop waits for running attempts within its time limit", async () => {
  await harness.stubSystems.control({ system: "message", mode: "slow", delayMs: 2_000 });
  const server = harness.startServer({ leaseMs: 60_000, externalTimeoutMs: 30_000 });
  await server.change(shipped(1n));
  await harness.eventually(async () => {
    const { received } = await harness.stubSystems.received({ system: "finance" });
    expect(received).toEqual([]);
    expect((await harness.ledger()).filter((line) => line.endsWith("DONE"))).toEqual(["1-1 third-party-notify: DONE"]);
  });
  await server.stop(20_000);
  expect((await harness.ledger()).filter((line) => !line.endsWith("DONE"))).toEqual([]);

  await harness.stubSystems.control({ system: "message", mode: "hang" });
  const other = harness.startServer({ leaseMs: 60_000, externalTimeoutMs: 50_000 });
  await other.change(delivered(1n));
  await harness.eventually(async () => {
    const { received } = await harness.stubSystems.received({ system: "message", key: "1-2" });
    expect(received).toHaveLength(1);
    const open = (await harness.ledger()).filter((line) => !line.endsWith("DONE"));
    expect(open).toEqual(["1-2 customer-message: PENDING"]);
  });
  const began = performance.now();
  await other.stop(100);
  // Far less than the attempt would take.
  expect(performance.now() - began).toBeLessThan(15_000);
  const left = (await harness.ledger()).filter((line) => !line.endsWith("DONE"));
  expect(left).toEqual(["1-2 customer-message: RETRYING"]);
  await harness.stubSystems.reset();
  harness.startServer();
  await harness.allDone();
});
