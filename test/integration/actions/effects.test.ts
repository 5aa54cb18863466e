import { fromBinary } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { beforeEach, expect, test } from "vitest";
import { ThirdPartyNotificationSchema } from "../../../gen/oms/events/v1/events_pb.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { deliveryChanged, invoicePrinted, statusChanged } from "../../support/events.ts";
import { useClient } from "../nats/support.ts";
import { useHarness } from "./harness.ts";

const harness = useHarness();

beforeEach(harness.reset);

/** The notifications of marketplaces: subject, the broker's message id and body of each. */
async function marketplaceMessages() {
  const client = await useClient(harness.nats.url);
  const manager = await client.jetstreamManager({ checkAPI: false });
  const { state } = await manager.streams.info("OMS_EVENTS");
  const found = [];
  for (let seq = 1; seq <= state.last_seq; seq += 1) {
    const { subject, data, header } = await manager.streams.getMessage("OMS_EVENTS", { seq });
    if (subject.startsWith("oms.v1.thirdparty.")) {
      const { $typeName, occurTime, ...body } = fromBinary(ThirdPartyNotificationSchema, data);
      found.push({ subject, id: header.get("Nats-Msg-Id"), type: header.get("ce-type"), $typeName, body, occurTime });
    }
  }
  return found;
}

test("a marketplace is notified of each status that has a topic, and of a new carrier", async () => {
  const server = harness.startServer();
  const statuses = Object.values(Status).filter((code) => code !== Status.CREATED);
  const events = statuses.map((toStatus, index) =>
    statusChanged({ orderId: 7n, toStatus, version: index + 1, orderSource: 2001 }),
  );
  const carrierChanged = deliveryChanged(7n, { orderSource: 2001 });
  await server.change(...events, carrierChanged);
  await harness.allDone();
  const messages = await marketplaceMessages();
  const notified = messages.map(({ subject, body }) => `${body.orderStatus} ${subject.split(".").slice(-2).join(".")}`);
  expect(notified.toSorted()).toEqual([
    "0 2001.carrier",
    "1010 2001.preparing",
    "1020 2001.preparing",
    "1030 2001.preparing",
    "2010 2001.preparing",
    "2020 2001.preparing",
    "3010 2001.warehouse",
    "3020 2001.warehouse",
    "3030 2001.warehouse",
    "4010 2001.shipped",
    "5010 2001.delivering",
    "5020 2001.delivering",
    "6010 2001.delivered",
    "6020 2001.failed",
    "6030 2001.failed",
    "6040 2001.failed",
    "9001 2001.cancelled",
  ]);
  // In the order of the changes, across subjects.
  const versions = messages.map(({ body }) => Number(body.version)).filter((version) => version > 0);
  expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  const shipped = statuses.indexOf(Status.HANDED_OVER) + 1;
  expect(messages.find(({ body }) => body.family === "shipped")).toMatchObject({
    subject: "oms.v1.thirdparty.2001.shipped",
    id: `7-${shipped}:shipped`,
    type: "oms.events.v1.ThirdPartyNotification",
    body: {
      messageId: `7-${shipped}`,
      orderId: 7n,
      orderSource: 2001,
      family: "shipped",
      orderStatus: 4010,
      version: BigInt(shipped),
      text: "包裹已出库，已交给承运商",
      deliveryId: "",
    },
  });
  const carrier = messages.find(({ body }) => body.family === "carrier");
  expect(carrier?.body).toMatchObject({
    messageId: "7-delivery-d",
    orderStatus: 0,
    version: 0n,
    text: "承运商已变更为中通快递，运单号73177150934996",
    deliveryId: "642",
    deliveryCompany: "中通快递",
    waybillNo: "73177150934996",
  });
  expect(carrier?.occurTime && timestampDate(carrier.occurTime)).toEqual(carrierChanged.recordTime);
});

test("settlement receives the quantities shipped, else those ordered, once per message id", async () => {
  const db = harness.database();
  const server = harness.startServer();
  await db
    .insertInto("oms_db.oms_order_detail")
    .values([1n, 2n].flatMap((order) => [5n, 6n].map((sku) => ({ order_id: order, sku_id: sku, quantity: 10 }))))
    .execute();
  await db
    .insertInto("oms_db.oms_order_detail_exp")
    .values([
      { order_id: 2n, sku_id: 5n, delivery_num: 7 },
      { order_id: 2n, sku_id: 6n, delivery_num: 0 },
    ])
    .execute();
  await server.change(
    statusChanged({ orderId: 1n, toStatus: Status.DELIVERED }),
    statusChanged({ orderId: 2n, toStatus: Status.DELIVERY_FAILED, version: 1 }),
    statusChanged({ orderId: 2n, toStatus: Status.DELIVERED, version: 2 }),
  );
  await harness.allDone();
  const rows = await db
    .selectFrom("oms_db.oms_order_status_rule")
    .select(["order_id", "order_status", "message_id", "settlement_lines"])
    .orderBy("message_id")
    .execute();
  const shipped = '[{"skuId":"5","quantity":7},{"skuId":"6","quantity":0}]';
  expect(rows).toEqual([
    {
      order_id: 1n,
      order_status: 6010,
      message_id: "1-1",
      settlement_lines: '[{"skuId":"5","quantity":10},{"skuId":"6","quantity":10}]',
    },
    { order_id: 2n, order_status: 6030, message_id: "2-1", settlement_lines: shipped },
    { order_id: 2n, order_status: 6010, message_id: "2-2", settlement_lines: shipped },
  ]);
  // Once-only by the unique key, not by the ledger alone.
  const settlement = server.actions.find(({ name }) => name === "settlement-push");
  const event = statusChanged({ orderId: 1n, toStatus: Status.DELIVERED });
  const attempt = {
    messageId: "1-1",
    number: 2,
    mayHaveSideEffects: true,
    traceparent: "",
    signal: new AbortController().signal,
  };
  expect(await settlement?.run(event, attempt)).toEqual({ kind: "done" });
  const { count } = await db
    .selectFrom("oms_db.oms_order_status_rule")
    .select(({ fn }) => fn.countAll().as("count"))
    .executeTakeFirstOrThrow();
  expect(Number(count)).toBe(3);
});

test("the gifts of a delivered order are marked as given, and no others", async () => {
  const db = harness.database();
  const server = harness.startServer();
  await db
    .insertInto("wmsindb.oms_gift_cust_record")
    .values([
      { order_id: 1n, gift_status: 0 },
      { order_id: 1n, gift_status: null },
      { order_id: 2n, gift_status: 0 },
    ])
    .execute();
  await server.change(
    statusChanged({ orderId: 1n, toStatus: Status.DELIVERED }),
    statusChanged({ orderId: 2n, toStatus: Status.REJECTED }),
    statusChanged({ orderId: 3n, toStatus: Status.DELIVERED }),
  );
  await harness.allDone();
  const rows = await db.selectFrom("wmsindb.oms_gift_cust_record").selectAll().orderBy("order_id").execute();
  expect(rows.map(({ order_id, gift_status }) => [order_id, gift_status])).toEqual([
    [1n, 1],
    [1n, 1],
    [2n, 0],
  ]);
  expect(rows[0]?.update_date).toBeInstanceOf(Date);
});

test("external systems receive what their contract specifies, with the message id as key", async () => {
  const db = harness.database();
  const server = harness.startServer();
  await db
    .insertInto("oms_db.oms_order_invoice")
    .values({
      order_id: 31n,
      invoice_title: "个人",
      invoice_content: "商品明细",
      invoice_tax_payer_code: "91110000",
      invoice_email: "someone@example.com",
    })
    .execute();
  await db.insertInto("oms_db.oms_order_detail").values({ order_id: 21n, sku_id: 5n, quantity: 3 }).execute();
  await server.change(
    statusChanged({ orderId: 31n, toStatus: Status.DELIVERED, orderType: 31 }),
    invoicePrinted(31n),
    statusChanged({ orderId: 32n, toStatus: Status.DELIVERED, orderType: 31 }),
    statusChanged({ orderId: 21n, toStatus: Status.HANDED_OVER, orderType: 21 }),
    statusChanged({ orderId: 21n, toStatus: Status.DELIVERED, orderType: 21, version: 2 }),
  );
  await harness.allDone();
  const { received } = await harness.stubSystems.received();
  const bodies = Object.fromEntries(received.map(({ path, key, body }) => [`${path} ${key}`, body]));
  const invoice = {
    orderId: "31",
    invoiceEmail: "someone@example.com",
    invoiceTitle: "个人",
    invoiceContent: "商品明细",
    taxCode: "91110000",
  };
  expect(bodies).toEqual({
    "einvoice 31-1": { messageId: "31-1", ...invoice },
    "einvoice 31-invoice-c": { messageId: "31-invoice-c", ...invoice },
    "einvoice 32-1": {
      messageId: "32-1",
      orderId: "32",
      invoiceEmail: "",
      invoiceTitle: "",
      invoiceContent: "",
      taxCode: "",
    },
    "finance 21-2": {
      messageId: "21-2",
      orderId: "21",
      orderSource: 1000,
      orderType: 21,
      orderStatus: 6010,
      lines: [{ skuId: "5", quantity: 3 }],
    },
    "message 21-1": { messageId: "21-1", orderId: "21", template: "SHIPPED" },
    "message 21-2": { messageId: "21-2", orderId: "21", template: "DELIVERED" },
    "message 31-1": { messageId: "31-1", orderId: "31", template: "DELIVERED" },
    "message 32-1": { messageId: "32-1", orderId: "32", template: "DELIVERED" },
  });
});

test("a repeated event takes effect once", async () => {
  const server = harness.startServer();
  const event = statusChanged({ orderId: 31n, toStatus: Status.DELIVERED, orderType: 31, orderSource: 2001 });
  await server.change(event);
  await harness.allDone();
  // As the broker would redeliver it without its acknowledgements, and again as a new message of
  // the same id.
  const client = await useClient(harness.nats.url);
  const manager = await client.jetstreamManager({ checkAPI: false });
  const { subject, data } = await manager.streams.getMessage("OMS_EVENTS", { seq: 1 });
  for (let time = 0; time < 3; time += 1) {
    await client.jetstream().publish(subject, data);
  }
  await harness.eventually(async () => {
    const names = await manager.consumers.list("OMS_EVENTS").next();
    expect(names.map(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending)).toEqual(names.map(() => 0));
  });
  expect(await harness.arrivals("einvoice")).toEqual(["31-1 1"]);
  expect(await harness.arrivals("finance")).toEqual(["31-1 1"]);
  expect(await harness.arrivals("message")).toEqual(["31-1 1"]);
  expect(await marketplaceMessages()).toHaveLength(1);
});
