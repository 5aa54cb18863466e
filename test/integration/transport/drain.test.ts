import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
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
import { useTcpProxy } from "../../support/tcp-proxy.ts";
import { startWatcher } from "../../support/watcher.ts";

// Time for a slow machine to send a request after the start of the shutdown.
vi.mock("../../../src/transport/limits.ts", async (original) => ({
  ...(await original<object>()),
  HTTP1_LAST_REQUEST_MS: 2_000,
}));

/** Shutdown budget, in milliseconds: far beyond what a shutdown without open calls takes. */
const DRAIN_MS = 20_000;

const location = useMariadb();
const proxy = useTcpProxy(location.url);
const db = openDatabase(location);
const transports = Object.keys(TRANSPORTS) as TransportName[];

beforeAll(async () => {
  await migrate(db);
});
afterAll(() => db.destroy());

async function start() {
  const service = await startService(location, {}, { OMS_DRAIN_MS: String(DRAIN_MS) });
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
    expect(performance.now() - startedAt).toBeLessThan(DRAIN_MS / 2);
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
  // The lock would be waited for much longer.
  expect(performance.now() - startedAt).toBeLessThan(15_000);
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

/** An HTTP/1.1 client that sends its next request as soon as it has an answer. */
function keepCalling(port: number): { readonly answered: Promise<void>; readonly ended: Promise<string> } {
  const { promise: answered, resolve: onAnswer } = Promise.withResolvers<void>();
  return { answered, ended: callUntilClosed(port, onAnswer) };
}

async function callUntilClosed(port: number, onAnswer: () => void): Promise<string> {
  const body = "{}";
  const request = `POST /oms.orderstatus.v1.OrderStatusService/ListShipmentTypes HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const socket = connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  for (;;) {
    socket.write(request);
    const answer = await readAnswer(socket);
    if (!/^HTTP\/1.1 200/.test(answer)) {
      return answer;
    }
    if (/^connection: close/im.test(answer)) {
      return "connection: close";
    }
    onAnswer();
  }
}

/** An answer, or why there is none. */
function readAnswer(socket: Socket): Promise<string> {
  let text = "";
  return new Promise((resolve) => {
    const onData = (bytes: Buffer) => {
      text += bytes.toString("latin1");
      const [head = "", body] = text.split("\r\n\r\n");
      if (body !== undefined && body.length >= Number(/content-length: (\d+)/i.exec(head)?.[1])) {
        done(text);
      }
    };
    const onError = (error: Error) => done(String(error));
    const onEnd = () => done(`closed after ${text.length} bytes`);
    const done = (answer: string) => {
      socket.off("data", onData).off("error", onError).off("end", onEnd);
      resolve(answer);
    };
    socket.on("data", onData).on("error", onError).on("end", onEnd);
  });
}

test("each HTTP/1.1 client is answered until an answer closes its connection", async () => {
  const service = await start();
  const clients = Array.from({ length: 16 }, () => keepCalling(service.httpPort));
  await Promise.all(clients.map(({ answered }) => answered));

  const stopped = service.stop();

  const ends = await Promise.all(clients.map(({ ended }) => ended));
  expect(ends).toEqual(clients.map(() => "connection: close"));
  await stopped;
});

test("a request that arrives on an idle connection during the shutdown is answered", async () => {
  const service = await start();
  const socket = connect(service.httpPort, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await once(socket, "data");
  const stopped = service.stop();
  await expect(eventually(() => connects(service.httpPort), 10)).resolves.toBe(false);
  socket.write("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1.1 200 OK\r\n.*connection: close/is);
  await stopped;
});

test("before the shutdown, calls are served for a while although the server is not ready", async () => {
  const service = await startService(location, {}, { OMS_DRAIN_DELAY_MS: "4000", OMS_METRICS_PORT: "0" });
  onTestFinished(() => service.stop());
  const orderId = await insertOrder(db, Status.CREATED);
  const clients = transports.map((transport) => open(transport, service));
  const watcher = startWatcher(clients[0] as (typeof clients)[0], { orderIds: [orderId] });
  await watcher.expectUpdates([`${orderId} at 0: 1000`]);
  expect(await readiness(service)).toEqual({ http: 200, draining: false, grpc: "SERVING" });

  const startedAt = performance.now();
  const stopped = service.stop();

  await eventually(async () =>
    expect(await readiness(service)).toEqual({ http: 503, draining: true, grpc: "NOT_SERVING" }),
  );
  for (const client of clients) {
    expect((await client.getOrderStatus({ orderId })).orderStatus).toBe(OrderStatus.CREATED);
  }
  await clients[0]?.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "x" });
  expect(failureOf(await watcher.ended).code).toBe("Unavailable");
  expect(watcher.updates.at(-1)).toBe(`${orderId} 1: 1000 > 1010`);
  await stopped;
  expect(performance.now() - startedAt).toBeGreaterThan(3_900);
});

test("health is NOT_SERVING while /readyz is 503", async () => {
  const service = await startService({ ...location, url: proxy.url });
  onTestFinished(() => service.stop());
  const watched = watchHealth(service.grpcPort);
  await eventually(() => expect(watched).toEqual(["SERVING"]));
  proxy.setAcceptMode("closed");
  proxy.closeConnections();
  await eventually(async () =>
    expect(await readiness(service)).toEqual({ http: 503, draining: false, grpc: "NOT_SERVING" }),
  );
  await eventually(() => expect(watched).toEqual(["SERVING", "NOT_SERVING"]));
  proxy.setAcceptMode("open");
  await eventually(async () =>
    expect(await readiness(service)).toEqual({ http: 200, draining: false, grpc: "SERVING" }),
  );
  await eventually(() => expect(watched).toEqual(["SERVING", "NOT_SERVING", "SERVING"]));
});

const STATES = ["UNKNOWN", "SERVING", "NOT_SERVING"];

/** What both ports report. */
async function readiness({ grpcPort, httpPort }: { readonly grpcPort: number; readonly httpPort: number }) {
  const response = await fetch(`http://127.0.0.1:${httpPort}/readyz`);
  const { draining } = (await response.json()) as { draining: boolean };
  const client = new grpc.Client(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure());
  const state = await new Promise<Buffer>((resolve, reject) =>
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.alloc(0),
      (error, bytes) => (error === null ? resolve(bytes as Buffer) : reject(error)),
    ),
  );
  client.close();
  return { http: response.status, draining, grpc: STATES[state[1] ?? 0] };
}

/** The states that a health watch receives. */
function watchHealth(grpcPort: number): string[] {
  const client = new grpc.Client(`127.0.0.1:${grpcPort}`, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const identity = (bytes: Buffer) => bytes;
  const watch = client.makeServerStreamRequest("/grpc.health.v1.Health/Watch", identity, identity, Buffer.alloc(0));
  const states: string[] = [];
  watch.on("data", (bytes: Buffer) => states.push(STATES[bytes[1] ?? 0] as string));
  watch.on("error", () => {});
  return states;
}

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
