import { expect, onTestFinished, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { eventually } from "../../support/eventually.ts";
import { insertOrder, nextOrderId } from "../../support/orders.ts";
import { startService, useService } from "../../support/service.ts";
import { startLegacyServer } from "../shadow/legacy-server.ts";

const { db, location } = useService();

/** A service beside an old system; both end with the test. */
async function open() {
  const old = await startLegacyServer();
  const service = await startService(location, {}, { OMS_SHADOW_URL: old.url });
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
    old,
    metric,
    call: async (path: string, init?: RequestInit) => (await fetch(`${base}/services/${path}`, init)).text(),
  };
}

test("a read is answered by us, and held against the old system's answer", async () => {
  const { old, call, metric } = await open();
  const order = await insertOrder(db, Status.PICKING);
  old.respondWith([200, `{"result":1,"orderId":${order},"orderStatus":3010}`]);

  expect(await call(`orderStatus/getOrderStatus?orderId=${order}&_=17`)).toBe(
    `{"result":1,"orderId":${order},"orderStatus":3020}`,
  );
  await eventually(async () => expect(await metric("different")).toBe(1));

  expect(old.requests).toMatchObject([
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

test("all that read are sent there, whichever way they came, and nothing that changes", async () => {
  const { old, call, metric } = await open();
  const order = await insertOrder(db, Status.CREATED);
  old.respondWith([500, "down"]);

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
  expect(old.requests.map(({ url }) => url.split("?")[0]).toSorted()).toEqual(
    [...reads, "getOrderSource", "getShipmentType"]
      .map((method) => `/services/orderStatus/${method}`)
      .concat("/services/detail/orderIds")
      .toSorted(),
  );
});

test("an old system that hangs delays nobody; that both know no such order is no difference", async () => {
  const { old, call, metric } = await open();
  const order = nextOrderId();
  old.respondWith(() => {});
  expect(await call(`orderStatus/getOrderStatus?orderId=${order}`)).toContain('"result":0');
  old.respondWith([200, '{"result":0,"message":"订单不存在"}']);
  expect(await call(`orderStatus/getOrderStatus?orderId=${order}`)).toContain('"result":0');

  await eventually(async () => expect(await metric("same")).toBe(1));
});
