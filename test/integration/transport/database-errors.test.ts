import { createConnection } from "mysql2/promise";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { OrderStatus, Outcome } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { type OrderDatabase, openDatabase } from "../../../src/store/mysql/database.ts";
import { MAX_UNARY_CALLS } from "../../../src/transport/limits.ts";
import { type OpenClient, TRANSPORTS, type TransportName } from "../../support/clients.ts";
import { eventually } from "../../support/eventually.ts";
import { failure, failureOf } from "../../support/failures.ts";
import { insertOrder } from "../../support/orders.ts";
import { useOwnMariadb } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";

// The database can be blocked for 10 s at most, before commits fail: too short, on a busy machine,
// for as many calls as a server really takes.
vi.mock("../../../src/transport/limits.ts", async (original) => ({
  ...(await original<object>()),
  MAX_UNARY_CALLS: 100,
}));

const mariadb = useOwnMariadb();
const transports = Object.keys(TRANSPORTS) as TransportName[];
const clients = new Map<TransportName, OpenClient>();
let service: Service;
let db: OrderDatabase;

beforeAll(async () => {
  service = await startService({ url: mariadb.url, prefix: "t_" });
  db = openDatabase({ url: mariadb.url, prefix: "t_" });
  for (const transport of transports) {
    clients.set(transport, TRANSPORTS[transport](service));
  }
});
afterAll(async () => {
  for (const { close } of clients.values()) {
    close();
  }
  await service.stop();
  await db.destroy();
});

test("without database: UNAVAILABLE with RetryInfo and no partial change, until it is back", async () => {
  const orderId = await insertOrder(db, Status.CREATED);
  const readiness = async () => {
    const response = await fetch(`http://127.0.0.1:${service.httpPort}/readyz`);
    return [response.status, ((await response.json()) as { database: string }).database];
  };
  expect(await readiness()).toEqual([200, "ok"]);

  await mariadb.kill();
  const unavailable = {
    code: "Unavailable",
    message: "database unavailable; a change is made completely or not at all, retry",
    details: { RetryInfo: { retryDelay: { seconds: 1n, nanos: 0 } } },
  };
  await Promise.all(
    transports.map(async (transport) => {
      const client = clients.get(transport)?.client as OpenClient["client"];
      const update = { orderId, status: OrderStatus.PAID, operator: "x" };
      expect(await failure(client.updateOrderStatus(update))).toEqual(unavailable);
      expect(await failure(client.getOrderStatus({ orderId }))).toEqual(unavailable);
      expect(await failure(client.returnOrder({ orderId, operator: "x" }))).toEqual(unavailable);
      expect(await failure(client.listOrderSources({}))).toEqual(unavailable);
      expect(await failure(client.setOrderPause({ orderId, operator: "x" }))).toEqual(unavailable);
    }),
  );
  expect((await readiness())[0]).toBe(503);
  // The cause is in the log only.
  const outages = service.log.filter(({ code }) => code === "UNAVAILABLE");
  expect(outages.map(({ cause }) => cause)).toContainEqual(expect.stringMatching(/ECONNREFUSED|closed/i));

  await mariadb.restart();
  const client = clients.get("gRPC")?.client as OpenClient["client"];
  await eventually(async () => {
    const { outcome } = await client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "x" });
    expect(outcome).toBe(Outcome.APPLIED);
  });
  expect((await client.getOrderStatus({ orderId })).version).toBe(1n);
  expect(await readiness()).toEqual([200, "ok"]);
});

test("beyond the capacity: RESOURCE_EXHAUSTED with RetryInfo, and the call is not executed", async () => {
  const orderId = await insertOrder(db, Status.WMS_DISPATCHED);
  const client = clients.get("gRPC")?.client as OpenClient["client"];
  await client.getOrderStatus({ orderId });
  const blocker = await createConnection(mariadb.url);
  await blocker.query("flush tables with read lock");
  const count = 1_000;

  const reports = Array.from({ length: count }, (_, index) => {
    const status = index % 2 === 0 ? OrderStatus.DELIVERY_FAILED : OrderStatus.OUT_FOR_DELIVERY;
    return client.updateOrderStatus({ orderId, status, operator: "x" });
  });
  const rejected: unknown[] = [];
  for (const report of reports) {
    report.catch((error: unknown) => rejected.push(failureOf(error)));
  }
  await eventually(() => expect(rejected.length).toBe(count - MAX_UNARY_CALLS));
  expect(await failure(client.getOrderStatus({ orderId }))).toMatchObject({ code: "ResourceExhausted" });
  await blocker.query("unlock tables");
  blocker.destroy();
  const settled = await Promise.allSettled(reports);

  expect(new Set(rejected.map((failed) => JSON.stringify(failed, bigints)))).toEqual(
    new Set([
      JSON.stringify(
        {
          code: "ResourceExhausted",
          message: "server overloaded; the call was not executed",
          details: { RetryInfo: { retryDelay: { seconds: 0n, nanos: 250_000_000 } } },
        },
        bigints,
      ),
    ]),
  );
  const executed = settled.filter(({ status }) => status === "fulfilled").length;
  expect(executed).toBe(MAX_UNARY_CALLS);
  const metrics = await (await fetch(`http://127.0.0.1:${service.httpPort}/metrics`)).text();
  expect(metrics).toContain(`oms_rpc_refused_total{rpc="UpdateOrderStatus"} ${rejected.length}\n`);
  // A few lines with the client's address for hundreds of calls.
  const lines = service.log.filter(({ msg }) => msg === "call rejected");
  const line = {
    level: "warn",
    reason: "overloaded",
    rpc: "UpdateOrderStatus",
    transport: "grpc",
    address: "127.0.0.1",
  };
  expect(lines[0]).toMatchObject(line);
  expect(lines.length).toBeLessThan(rejected.length / 10);
  expect((await client.getOrderStatus({ orderId })).version).toBeLessThanOrEqual(BigInt(executed));
});

const bigints = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
