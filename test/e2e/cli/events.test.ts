import { fromJson } from "@bufbuild/protobuf";
import { connect } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OrderStatusChangedSchema } from "../../../gen/oms/events/v1/events_pb.ts";
import { OrderStatus } from "../../../gen/oms/orderstatus/v1/order_status_pb.ts";
import { brokerOptions } from "../../../src/messaging/nats/broker.ts";
import { migrate } from "../../../src/store/migrations/index.ts";
import { openDatabase } from "../../../src/store/mysql/database.ts";
import { type OpenClient, TRANSPORTS } from "../../support/clients.ts";
import { insertOrder } from "../../support/orders.ts";
import { useMariadb, useNats } from "../../support/servers.ts";
import { type Service, startService } from "../../support/service.ts";
import { oms, startOms } from "./oms.ts";

const location = useMariadb();
const nats = useNats();
const db = openDatabase(location);
let service: Service;
let clients: OpenClient;

beforeAll(async () => {
  await migrate(db);
  service = await startService(location, { natsUrl: nats.url });
  clients = TRANSPORTS.gRPC(service);
});
afterAll(async () => {
  clients.close();
  await service.stop();
  await db.destroy();
});

async function payAnOrder(): Promise<bigint> {
  const orderId = await insertOrder(db, OrderStatus.CREATED);
  await clients.client.updateOrderStatus({ orderId, status: OrderStatus.PAID, operator: "王芳" });
  return orderId;
}

async function tail(...args: string[]) {
  const running = startOms(["events", "tail", ...args], { env: { OMS_NATS_URL: nats.url } });
  await running.shows(/Subscribed/, "stderr");
  return running;
}

test("prints each event as a line until Ctrl-C", async () => {
  const running = await tail();
  const orderId = await payAnOrder();
  await running.shows(
    new RegExp(
      `^oms\\.v1\\.order\\.status\\.1010 {2}order ${orderId} {2}CREATED \\(1000\\) 已创建 → PAID \\(1010\\) 已付款, reported by anonymous \\(王芳\\) {2}id ${orderId}-1$`,
      "m",
    ),
  );
  running.child.kill("SIGINT");
  expect((await running.ended()).code).toBe(0);
});

test("prints JSON lines for the given subjects", async () => {
  const running = await tail("--json", "--subject", "oms.v1.order.pause.*", "oms.v1.order.status.1010");
  const orderId = await payAnOrder();
  await clients.client.setOrderPause({ orderId, paused: true, operator: "王芳" });
  await clients.client.updateOrderStatus({ orderId, status: OrderStatus.CANCELLED, operator: "王芳" });
  await payAnOrder();
  const stdout = await running.shows(/(.*\n){3}/);

  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ subject, type }) => [subject, type]).toSorted()).toEqual([
    ["oms.v1.order.pause.set", "oms.events.v1.OrderPauseChanged"],
    ["oms.v1.order.status.1010", "oms.events.v1.OrderStatusChanged"],
    ["oms.v1.order.status.1010", "oms.events.v1.OrderStatusChanged"],
  ]);
  const paid = lines.find(({ messageId }) => messageId === `${orderId}-1`);
  expect(fromJson(OrderStatusChangedSchema, paid.event)).toMatchObject({ orderId, version: 1n, operator: "王芳" });
});

test("prints the size of an unknown message", async () => {
  const running = await tail();
  const client = await connect(brokerOptions({ url: nats.url }));
  client.publish("oms.v1.new.thing", "four");
  await client.drain();
  await running.shows(/^oms\.v1\.new\.thing {2}\(4 bytes\)$/m);
});

test("reports an unreachable or unknown broker", async () => {
  const away = await oms(["events", "tail", "--nats", "nats://127.0.0.1:1"]);
  expect([away.code, away.stderr]).toEqual([3, expect.stringContaining("NATS is unreachable at nats://127.0.0.1:1")]);
  const unknown = await oms(["events", "tail"], { env: { OMS_DATA_DIR: "/nonexistent" } });
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining("npm start")]);
});
