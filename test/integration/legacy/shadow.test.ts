import { expect, onTestFinished, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder, nextOrderId } from "../../support/orders.ts";
import { startService, useService } from "../../support/service.ts";
import { startLegacyServer } from "../shadow/legacy-server.ts";

const { db, location } = useService();

/** A service with a legacy system; both stop with the test. */
async function open() {
  const legacy = await startLegacyServer();
  const service = await startService(location, {}, { OMS_SHADOW_URL: legacy.url });
  onTestFinished(() => service.stop());
  const base = `http://127.0.0.1:${service.httpPort}`;
  const metric = async (result: string) => {
    const text = await (await fetch(`${base}/metrics`)).text();
    return text
      .split("\n")
      .filter((line) => line.startsWith("oms_shadow_comparisons_total{") && line.includes(`result="${result}"`))
      .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  };
  return {
    legacy,
    metric,
    call: async (path: string, init?: RequestInit) => (await fetch(`${base}/services/${path}`, init)).text(),
  };
}

test("a read is answered by the service and compared with the legacy system's answer", async () => {
  const { legacy, call, metric } = await open();
  const order = await insertOrder(db, Status.PICKING);
  legacy.respondWith([200, `{"result":1,"orderId":${order},"orderStatus":3010}`]);

  expect(await call(`orderStatus/getOrderStatus?orderId=${order}&_=17`)).toBe(
    `{"result":1,"orderId":${order},"orderStatus":3020}`,
  );
  await eventually(async () => expect(await metric("different")).toBe(1));

  expect(legacy.requests).toMatchObject([
    { method: "GET", url: `/services/orderStatus/getOrderStatus?orderId=${order}&_=17` },
  ]);
  await eventually(async () =>
    expect(
      await db
        .selectFrom("oms_db.oms_shadow_difference")
        .select(["method", "field", "ours", "theirs", "caller"])
        .where("order_id", "=", order)
        .execute(),
    ).toEqual([
      { method: "getOrderStatus", field: "orderStatus", ours: "3020", theirs: "3010", caller: "legacy:getOrderStatus" },
    ]),
  );
});

test("all reads are sent to the legacy system, over any protocol, and no changes", async () => {
  const { legacy, call, metric } = await open();
  const order = await insertOrder(db, Status.CREATED);
  legacy.respondWith([500, "down"]);

  const reads = ["getOrderStatus", "payedOrderStatus", "getPayCheckOrder", "getSubOrderMaxStatus"];
  for (const method of reads) {
    await call(`orderStatus/${method}`, { method: "POST", body: JSON.stringify({ orderId: order.toString() }) });
  }
  await call("orderStatus/getOrderSource");
  await call("orderStatus/getShipmentType");
  await call(`detail/orderIds?orderIds=${order}`);
  for (const method of ["cancelOrder", "rejectOrder", "returnOrder", "statuOrderStatus"]) {
    await call(`orderStatus/${method}?orderId=${order}`);
  }
  await call(`orderStatus/puaseOrderStatus?orderId=${order}&isPause=0`);
  await call(`orderStatus/updateOrderStatus?orderId=${order}&status=9001`);
  await call(`orderStatus/updateOrderInvoiceStatus?orders=${order}`);
  await call(`orderStatus/updateDeliveryInfo?orderId=${order}&deliveryId=1&deliveryCompany=a&waybillNo=b`);
  await call(`orderStatus/recordSkuDeliveryNum?orderId=${order}&skus=1:1`);
  await call("orderStatus/getOrderStatus?orderId=nonsense");

  await eventually(async () => expect(await metric("failed")).toBe(7));
  expect(legacy.requests.map(({ url }) => url.split("?")[0]).toSorted()).toEqual(
    [...reads, "getOrderSource", "getShipmentType"]
      .map((method) => `/services/orderStatus/${method}`)
      .concat("/services/detail/orderIds")
      .toSorted(),
  );
});

test("a legacy system that hangs delays no caller; an order unknown to both is no difference", async () => {
  const { legacy, call, metric } = await open();
  const order = nextOrderId();
  legacy.respondWith(() => {});
  expect(await call(`orderStatus/getOrderStatus?orderId=${order}`)).toContain('"result":0');
  legacy.respondWith([200, '{"result":0,"message":"订单不存在"}']);
  expect(await call(`orderStatus/getOrderStatus?orderId=${order}`)).toContain('"result":0');

  await eventually(async () => expect(await metric("same")).toBe(1));
});
