import { once } from "node:events";
import { connect } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { failureOf } from "../../support/failures.ts";
import { insertOrder, lockRow, waitsForLock } from "../../support/orders.ts";
import { useMariadb } from "../../support/servers.ts";
import { startService } from "../../support/service.ts";
import { startWatcher } from "../../support/watcher.ts";

const location = useMariadb();
const db = openDatabase(location);
const transports = Object.keys(TRANSPORTS) as TransportName[];

beforeAll(async () => {
  await migrate(db);
});
afterAll(() => db.destroy());

async function start() {
  const service = await startService(location, {}, { OMS_DRAIN_MS: "6000" });
  onTestFinished(() => service.stop());
  return service;
}

function open(transport: TransportName, service: { grpcPort: number; httpPort: number }) {
  const { client, close } = TRANSPORTS[transport](service);
  onTestFinished(close);
  return client;
}

describe.each(transports)("%s: a server that shuts down", (transport) => {
  test("finishes calls in flight, then ends streams with UNAVAILABLE", async () => {
    const service = await start();
    const client = open(transport, service);
    const orderId = await insertOrder(db, Status.CREATED);
    const watcher = startWatcher(client, { orderIds: [orderId] });
    await watcher.expectUpdates([`${orderId} at 0: 1000`]);
    const { locked, unlock } = await lockRow(db, orderId);
    const call = client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "x" });
    await waitsForLock(db, orderId);

    const stopped = service.stop();
    await expect(eventually(() => connects(service.httpPort), 10)).resolves.toBe(false);
    unlock();
    await locked;

    expect((await call).outcome).toBe(Outcome.APPLIED);
    expect(failureOf(await watcher.ended)).toMatchObject({
      code: "Unavailable",
      message: "server is shutting down; retry",
    });
    // The watch has received the last change.
    expect(watcher.updates.at(-1)).toBe(`${orderId} 1: 1000 > 1010`);
    await stopped;
  });

  test("with idle connections shuts down at once", async () => {
    const service = await start();
    await open(transport, service).listShipmentTypes({});
    const startedAt = performance.now();
    await service.stop();
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });
});

test("a hanging call is cancelled after the shutdown budget; streams still end with UNAVAILABLE", async () => {
  const service = await startService(location, {}, { OMS_DRAIN_MS: "1500" });
  const client = open("gRPC", service);
  const orderId = await insertOrder(db, Status.CREATED);
  const watcher = startWatcher(client, { orderIds: [orderId] });
  await watcher.expectUpdates([`${orderId} at 0: 1000`]);
  const { locked, unlock } = await lockRow(db, orderId);
  const call = client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "x" }).catch((error) => error);
  await waitsForLock(db, orderId);

  const startedAt = performance.now();
  const stopped = service.stop();

  expect(failureOf(await watcher.ended).code).toBe("Unavailable");
  // The connection is closed: connect-node reports that as Canceled.
  expect(ConnectError.from(await call).code).toBe(Code.Canceled);
  expect(performance.now() - startedAt).toBeLessThan(4_000);
  unlock();
  await locked;
  await stopped;
});

test("health watchers receive NOT_SERVING before the server shuts down", async () => {
  const service = await start();
  const client = new grpc.Client(`127.0.0.1:${service.grpcPort}`, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const identity = (bytes: Buffer) => bytes;
  const watch = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", identity, identity, Buffer.alloc(0));
  const statuses: number[] = [];
  watch.on("data", (bytes: Buffer) => statuses.push(bytes[1] as number));
  watch.on("error", () => {});
  await eventually(() => expect(statuses).toEqual([1]));

  const ended = once(watch, "end");
  await service.stop();
  await ended;
  expect(statuses).toEqual([1, 2]);
});

function connects(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      reject(new Error("server still accepts connections"));
    });
  });
}
