import { sql } from "kysely";
import { connect } from "nats";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { brokerOptions } from "../../../src/messaging/nats/broker.ts";
import { encodeEvent } from "../../../src/messaging/nats/codec.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import { type OrderStatusClient, TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { statusChanged } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder } from "../../support/orders.ts";
import { useNats, useOwnMariadb } from "../../support/servers.ts";
import { startService } from "../../support/service.ts";
import { startWatcher } from "../../support/watcher.ts";

// Its own server, so that queries can be counted.
const mariadb = useOwnMariadb();
const nats = useNats();
let db: OrderDatabase;

beforeAll(async () => {
  db = openDatabase({ url: mariadb.url, prefix: "t_" });
  await migrate(db);
});
afterAll(() => db.destroy());

async function start() {
  const location = { url: mariadb.url, prefix: "t_" };
  const service = await startService(location, { natsUrl: nats.url }, { OMS_WATCH_HEARTBEAT_MS: "200" });
  onTestFinished(() => service.stop());
  return service;
}

function open(service: { grpcPort: number; httpPort: number }, transport: TransportName = "gRPC"): OrderStatusClient {
  const { client, close } = TRANSPORTS[transport](service);
  onTestFinished(close);
  return client;
}

const operator = "zhou";
const updatesOf = (orderId: bigint, ...states: OrderStatus[]) => ({
  updates: states.map((status) => ({ orderId, status, operator })),
});

test.each(Object.keys(TRANSPORTS) as TransportName[])(
  "%s: a change made on another server, through the broker",
  async (transport) => {
    const [here, there] = [await start(), await start()];
    const orderId = await insertOrder(db, Status.CREATED);
    const watcher = startWatcher(open(here, transport), { orderIds: [orderId] });
    await watcher.expectUpdates([`${orderId} at 0: 1000`]);

    await open(there, transport).batchUpdateOrderStatus(updatesOf(orderId, OrderStatus.PAID, OrderStatus.APPROVED));

    await watcher.expectUpdates([`${orderId} at 0: 1000`, `${orderId} 1: 1000 > 1010`, `${orderId} 2: 1010 > 1020`]);
  },
);

test("a forged message on the broker reaches no watcher", async () => {
  const [here, there] = [await start(), await start()];
  const orderId = await insertOrder(db, Status.CREATED);
  const ofAnotherTrade = await insertOrder(db, Status.CREATED);
  const order = startWatcher(open(here), { orderIds: [orderId] });
  const trade = startWatcher(open(here), { rootOrderId: orderId });
  await Promise.all([order, trade].map((each) => each.expectUpdates([`${orderId} at 0: 1000`])));

  const broker = await connect(brokerOptions({ url: nats.url }));
  onTestFinished(() => broker.close());
  for (const event of [
    statusChanged({ orderId, rootParentId: orderId, version: 1, toStatus: Status.DELIVERED }),
    statusChanged({ orderId: ofAnotherTrade, rootParentId: orderId, version: 1, toStatus: Status.DELIVERED }),
  ]) {
    broker.publish(`oms.v1.order.status.${Status.DELIVERED}`, encodeEvent(event).body);
  }
  await broker.flush();
  await open(there).updateOrderStatus({ orderId, status: OrderStatus.PAID, operator });

  const updates = [`${orderId} at 0: 1000`, `${orderId} 1: 1000 > 1010`];
  await Promise.all([order, trade].map((each) => each.expectUpdates(updates)));
});

test("without broker a watch receives the changes of its server; those of others once the broker is back", async () => {
  const [here, there] = [await start(), await start()];
  const [mine, theirs] = [await insertOrder(db, Status.CREATED), await insertOrder(db, Status.CREATED)];
  const watcher = startWatcher(open(here), { orderIds: [mine, theirs] });
  await eventually(() => expect(watcher.updates).toHaveLength(2));
  await nats.kill();

  await open(here).updateOrderStatus({ orderId: mine, status: OrderStatus.PAID, operator });
  await open(there).batchUpdateOrderStatus(updatesOf(theirs, OrderStatus.PAID, OrderStatus.APPROVED));
  await eventually(() => expect(watcher.updates.slice(2)).toEqual([`${mine} 1: 1000 > 1010`]));

  await nats.restart();
  await eventually(() =>
    expect(watcher.updates.slice(3)).toEqual([`${theirs} 1: 1000 > 1010`, `${theirs} 2: 1010 > 1020`]),
  );
});

test("after a server restart, a client that resumes with after_versions misses and repeats nothing", async () => {
  const orderId = await insertOrder(db, Status.WMS_DISPATCHED);
  const versions: bigint[] = [];
  const count = 60;
  let service = await start();
  const other = await start();

  const reporting = (async () => {
    const client = open(other);
    for (let version = 1; version <= count; version += 1) {
      const status = version % 2 === 1 ? OrderStatus.DELIVERY_FAILED : OrderStatus.OUT_FOR_DELIVERY;
      await client.updateOrderStatus({ orderId, status, operator });
    }
  })();
  let restarts = 0;
  while (versions.length < count) {
    const { client, close } = TRANSPORTS.gRPC(service);
    const last = versions.at(-1) ?? 0n;
    const watch = (async () => {
      const request = { orderIds: [orderId], afterVersions: { [String(orderId)]: last } };
      for await (const { update } of client.watchOrderStatus(request)) {
        if (update.case === "change") {
          versions.push(update.value.version);
          if (versions.length === count) {
            return;
          }
        }
      }
    })().catch(() => {});
    if (restarts < 3) {
      await eventually(() => expect(versions.length).toBeGreaterThan(restarts * 10));
      await service.stop();
      restarts += 1;
      await watch;
      service = await start();
    } else {
      await watch;
    }
    close();
  }
  await reporting;

  expect(versions).toEqual(Array.from({ length: count }, (_, index) => BigInt(index + 1)));
});

test("1,000 watchers do not cost a query each per change", async () => {
  const service = await start();
  const ids = await Promise.all(Array.from({ length: 5 }, () => insertOrder(db, Status.CREATED)));
  const clients = Array.from({ length: 4 }, () => open(service));
  const watchers = Array.from({ length: 1_000 }, (_, index) =>
    startWatcher(clients[index % 4] as OrderStatusClient, { orderIds: ids }),
  );
  await eventually(() => expect(watchers.every(({ updates }) => updates.length === 5)).toBe(true));
  const before = await countQueries();

  for (const orderId of ids) {
    await clients[0]?.batchUpdateOrderStatus(updatesOf(orderId, OrderStatus.PAID, OrderStatus.APPROVED));
  }
  await eventually(() => expect(watchers.every(({ updates }) => updates.length === 15)).toBe(true));

  // The queries of the commits and their events only, and of background work.
  expect((await countQueries()) - before).toBeLessThan(watchers.length);
});

async function countQueries(): Promise<number> {
  const { rows } = await sql<{ Value: string }>`show global status like 'Questions'`.execute(db);
  return Number(rows[0]?.Value);
}
