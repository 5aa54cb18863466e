import { mkdtempSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { systemVariables } from "../../../src/integrations/systems.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { readMetrics } from "../../../tools/testkit/metrics.ts";
import { type ServiceProcess, startServiceProcess } from "../../../tools/testkit/service.ts";
import { type OrderStatusClient, TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { historyOf, insertOrder, lockRow, waitsForLock } from "../../support/orders.ts";
import { useMariadb, useNats, useRedis, useStubSystems } from "../../support/servers.ts";
import { startWatcher } from "../../support/watcher.ts";

/** One service of two processes. The tests run in this order. */

const PROCESSES = 2;
const CONNECTIONS = 4;
const START_MS = 120_000;
/** OMS_MAX_CONNECTIONS, of each process. */
const MAX_CONNECTIONS = 64;
const PROTOCOLS: readonly TransportName[] = ["gRPC", "Connect JSON"];

const { url, prefix } = useMariadb();
const db = openDatabase({ url, prefix });
const nats = useNats();
const redis = useRedis();
const stubSystems = useStubSystems();
let service: ServiceProcess;
let logFile = "";

beforeAll(async () => {
  await migrate(db);
  logFile = join(mkdtempSync(join(inject("folder"), "processes-")), "service.log");
  service = await start({}, logFile);
}, START_MS);
afterAll(async () => {
  await service?.child.stop();
  await db.destroy();
});

function start(env: Record<string, string>, file?: string, ports?: { grpc: number; http: number }) {
  return startServiceProcess({
    endpoints: { mysqlUrl: url, natsUrl: nats.url, redisUrl: redis.url, systemUrls: stubSystems.urls },
    env: {
      ...systemVariables(stubSystems.urls),
      OMS_DATABASE_PREFIX: prefix,
      OMS_PROCESSES: String(PROCESSES),
      OMS_LOG_LEVEL: "debug",
      OMS_MAX_CONNECTIONS: String(MAX_CONNECTIONS),
      OMS_DRAIN_MS: "15000",
      ...env,
    },
    ...(file !== undefined && { logFile: file }),
    ...(ports !== undefined && { ports }),
  });
}

/** Clients with a connection each, in turn of both protocols. */
function openClients(): OrderStatusClient[] {
  return Array.from({ length: CONNECTIONS }).flatMap(() =>
    PROTOCOLS.map((protocol) => {
      const { client, close } = TRANSPORTS[protocol](service);
      onTestFinished(close);
      return client;
    }),
  );
}

/** The lines of the log with this message. */
function logLines(message: string): Record<string, unknown>[] {
  return readFileSync(logFile, "utf8")
    .split("\n")
    .filter((line) => line.includes(`"msg":"${message}"`))
    .map((line) => JSON.parse(line));
}

/** The processes that logged a line about the call of this RPC. */
const processesOf = (rpc: string) =>
  new Set(
    logLines("call")
      .filter((line) => line.rpc === rpc)
      .map((line) => line.process),
  );

/** Waits for the start of a process, which takes seconds on a busy machine. */
const waitFor = (check: () => void) => vi.waitFor(check, { timeout: START_MS, interval: 50 });

async function metrics() {
  const page = await fetch(`http://127.0.0.1:${service.httpPort}/metrics`);
  expect(page.status).toBe(200);
  return readMetrics([await page.text()]);
}

const callsOf = (rpc: string, code = "OK") => ({ rpc, code });

test("is ready once, and then has both processes", { timeout: START_MS }, async () => {
  await waitFor(() => expect(logLines("listening")).not.toEqual([]));
  expect(logLines("listening")).toMatchObject([{ grpc: service.grpcPort, http: service.httpPort, processes: 2 }]);
  expect(readFileSync(logFile, "utf8").match(/The order-status service is running/g)).toHaveLength(1);
  expect((await metrics()).sum("oms_processes")).toBe(PROCESSES);
});

test("calls on many connections reach both processes, and /metrics adds them up", async () => {
  const orderId = await insertOrder(db, Status.CREATED);
  const clients = openClients();
  for (const client of clients) {
    await client.getOrderStatus({ orderId });
    await client.getOrderStatus({ orderId });
  }

  await eventually(async () => expect(processesOf("GetOrderStatus")).toEqual(new Set([1, 2])));
  // However often, and by whichever process, it is answered.
  for (let scrape = 0; scrape < 4; scrape += 1) {
    const seen = await metrics();
    expect(seen.sum("oms_rpc_calls_total", callsOf("GetOrderStatus"))).toBe(2 * clients.length);
    expect(seen.sum("oms_rpc_duration_seconds_count", callsOf("GetOrderStatus"))).toBe(2 * clients.length);
    expect(seen.sum("oms_build_info")).toBe(1);
    for (const process of ["1", "2"]) {
      expect(seen.sum("oms_event_loop_active_seconds_total", { process })).toBeGreaterThan(0);
    }
  }
});

test("the changes of an order stay in order, whichever process receives them", async () => {
  const orderId = await insertOrder(db, Status.CREATED);
  const clients = openClients();
  const watchers = clients.map((client) => startWatcher(client, { orderIds: [orderId] }));
  await Promise.all(watchers.map((watcher) => watcher.expectUpdates([`${orderId} at 0: 1000`])));
  const path = [OrderStatus.PAID, OrderStatus.APPROVED, OrderStatus.CANCELLED];
  for (const [index, status] of path.entries()) {
    // All at the same time: one of them changes the order, the others repeat it.
    const answers = await Promise.all(
      clients.map((client) => client.updateOrderStatus({ orderId, status, operator: "x" })),
    );
    const applied = answers.filter(({ outcome }) => outcome === Outcome.APPLIED);
    expect(applied, `change ${index + 1}`).toHaveLength(1);
  }

  await eventually(() => expect(processesOf("UpdateOrderStatus")).toEqual(new Set([1, 2])));
  const history = (await historyOf(db, orderId)).filter(({ outcome }) => outcome === "APPLIED");
  expect(history.map(({ version }) => Number(version))).toEqual([1, 2, 3]);
  const updates = history.map((row) => `${orderId} ${row.version}: ${row.from_status} > ${row.to_status}`);
  await Promise.all(watchers.map((watcher) => watcher.expectUpdates([`${orderId} at 0: 1000`, ...updates])));
});

test("connections beyond the limit of all processes are closed", async () => {
  const open = new Set<Socket>();
  onTestFinished(() => {
    for (const socket of open) {
      socket.destroy();
    }
  });
  const excess = 10;
  for (let count = 0; count < PROCESSES * MAX_CONNECTIONS + excess; count += 1) {
    // From many addresses: one may have half of the connections.
    const socket = connect({ host: "127.0.0.1", port: service.grpcPort, localAddress: `127.0.1.${1 + count}` });
    open.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => open.delete(socket));
  }

  await eventually(() => expect(open.size).toBeLessThanOrEqual(PROCESSES * MAX_CONNECTIONS));
  expect(open.size).toBeGreaterThan(MAX_CONNECTIONS);
  const rejected = (await metrics()).sum("oms_connections_refused_total", { port: "grpc", reason: "all" });
  expect(rejected).toBeGreaterThanOrEqual(excess);
});

test("a process that is killed is replaced; calls go on, and no total decreases", {
  timeout: 2 * START_MS,
}, async () => {
  const orderId = await insertOrder(db, Status.CREATED);
  await Promise.all(openClients().map((client) => client.getOrderStatus({ orderId })));
  const before = await metrics();
  const [victim] = logLines("process listening");

  process.kill(Number(victim?.pid), "SIGKILL");
  await eventually(async () => expect(logLines("process exited; starting another one")).toHaveLength(1));
  // The other process serves meanwhile.
  for (const client of openClients()) {
    await client.getOrderStatus({ orderId });
  }
  await waitFor(() => expect(logLines("process replaced")).toHaveLength(1));

  const after = await metrics();
  expect(after.sum("oms_processes")).toBe(PROCESSES);
  expect(after.sum("oms_process_restarts_total")).toBe(1);
  const [callsBefore, callsAfter] = [before, after].map((seen) =>
    seen.sum("oms_rpc_calls_total", callsOf("GetOrderStatus")),
  );
  expect(callsAfter).toBeGreaterThanOrEqual(Number(callsBefore) + 2 * CONNECTIONS);
  const replacement = logLines("process listening").at(-1);
  expect(replacement?.process).toBe(victim?.process);
  expect(replacement?.pid).not.toBe(victim?.pid);
});

test("SIGTERM: all processes answer their calls in flight, then all are gone", { timeout: START_MS }, async () => {
  const orderId = await insertOrder(db, Status.CREATED);
  const clients = openClients();
  await Promise.all(clients.map((client) => client.getOrderStatus({ orderId })));
  const { locked, unlock } = await lockRow(db, orderId);
  const calls = clients.map((client) => client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "x" }));
  await waitsForLock(db, orderId);

  const stopped = service.child.stop();
  // Both have closed the port.
  await eventually(() => expect(fetch(`http://127.0.0.1:${service.httpPort}/healthz`)).rejects.toThrow());
  unlock();
  await locked;

  const answers = await Promise.all(calls);
  expect(answers.filter(({ outcome }) => outcome === Outcome.APPLIED)).toHaveLength(1);
  await stopped;
  expect(service.child.exitCode()).toBe(0);
  for (const { pid } of logLines("process listening")) {
    expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH");
  }
});

test("a process that cannot start ends the start with its message", { timeout: START_MS }, async () => {
  const occupied = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await new Promise((resolve) => occupied.once("listening", resolve));
  onTestFinished(() => void occupied.close());
  const { port } = occupied.address() as { port: number };

  const failed = await start({}, undefined, { grpc: 0, http: port }).catch((error: unknown) => String(error));

  expect(failed).toContain(`Port ${port} is in use.`);
  expect(failed).toContain("exited with code 1");
});
