import { beforeEach, describe, expect, test } from "vitest";
import { Status } from "../../../src/domain/state-machine.ts";
import { markInvoicesPrinted } from "../../../src/store/orders/mark-invoices-printed.ts";
import { markReturned } from "../../../src/store/orders/mark-returned.ts";
import { recordShipped } from "../../../src/store/orders/record-shipped.ts";
import { updateDelivery } from "../../../src/store/orders/update-delivery.ts";
import type { CommittedEvent } from "../../../src/store/outbox/outbox.ts";
import { readInvoice, readShippedLines } from "../../../src/store/reads/goods.ts";
import { CAUSE, eventDeps, insertOrder, rowsOf, useStore } from "./fixture.ts";

const { db } = useStore();
const told: CommittedEvent[] = [];
const deps = { ...eventDeps, db, onCommitted: (events: readonly CommittedEvent[]) => told.push(...events) };
beforeEach(() => {
  told.length = 0;
});

const UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/** What every event says, with the message id of its kind. */
function contextOf(orderId: bigint, messageId: unknown) {
  return {
    messageId,
    orderId,
    rootParentId: orderId,
    orderSource: 1000,
    orderType: 1,
    recordTime: expect.any(Date),
    ...CAUSE,
  };
}

describe("markReturned", () => {
  test("sets the mark once, and tells others once", async () => {
    const orderId = await insertOrder(db, { status: Status.DELIVERED });
    const order = { status: Status.DELIVERED, isParent: false, isFinish: false };
    expect(await markReturned(deps, { orderId, cause: CAUSE })).toMatchObject(order);
    expect(await markReturned(deps, { orderId, cause: CAUSE })).toMatchObject(order);
    expect(told.map(({ event }) => event)).toEqual([
      { type: "return-marked", ...contextOf(orderId, expect.stringMatching(`^${orderId}-return-${UUID}$`)) },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([
      { is_refund: 1, update_date: told[0]?.event.recordTime },
    ]);
    const messageId = told[0]?.event.messageId;
    expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toMatchObject([
      { id: told[0]?.row.id, message_id: messageId, body: Buffer.from(messageId ?? ""), published: 0 },
    ]);
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([
      { message_id: messageId, action: "first-action", outbox_id: told[0]?.row.id, state: "PENDING" },
    ]);
  });

  test("sets none before the hand-over, none on a cancelled order, and knows who is not there", async () => {
    const packed = await insertOrder(db, { status: Status.PACKED });
    const cancelled = await insertOrder(db, { status: Status.CANCELLED });
    expect(await markReturned(deps, { orderId: packed, cause: CAUSE })).toMatchObject({ status: Status.PACKED });
    expect(await markReturned(deps, { orderId: cancelled, cause: CAUSE })).toMatchObject({ status: Status.CANCELLED });
    expect(await markReturned(deps, { orderId: 4n, cause: CAUSE })).toBeUndefined();
    expect(told).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_order_main", packed)).toMatchObject([{ is_refund: null }]);
  });

  test("by many at once is one mark and one event", async () => {
    const orderId = await insertOrder(db, { status: Status.HANDED_OVER });
    await Promise.all(Array.from({ length: 8 }, () => markReturned(deps, { orderId, cause: CAUSE })));
    expect(told).toHaveLength(1);
  });
});

describe("markInvoicesPrinted", () => {
  const nothing = { invoiceTitle: "", invoiceContent: "", taxPayerCode: "", invoiceEmail: "", sendEmail: false };

  test("marks each invoice, keeps what is not given, and tells of each", async () => {
    const orderIds = [await insertOrder(db), await insertOrder(db), await insertOrder(db)] as const;
    await db
      .insertInto("oms_db.oms_order_invoice")
      .values([
        { order_id: orderIds[0], invoice_title: "first", invoice_email: "a@example.com" },
        { order_id: orderIds[2] },
      ])
      .execute();
    const mark = { ...nothing, invoiceContent: "商品明细", taxPayerCode: "91310", sendEmail: true, cause: CAUSE };
    expect(
      await markInvoicesPrinted(deps, { ...mark, orderIds: [orderIds[2], 4n, orderIds[1], orderIds[0], orderIds[0]] }),
    ).toEqual({ updatedCount: 2, missingOrderIds: [4n, orderIds[1]] });
    expect(await readInvoice(db, orderIds[0])).toEqual({
      title: "first",
      content: "商品明细",
      taxPayerCode: "91310",
      email: "a@example.com",
    });
    expect(await readInvoice(db, orderIds[2])).toEqual({
      title: "",
      content: "商品明细",
      taxPayerCode: "91310",
      email: "",
    });
    expect(await readInvoice(db, orderIds[1])).toBeUndefined();
    const marks = await db
      .selectFrom("oms_db.oms_order_invoice")
      .select(["invoice_status", "is_invoiced", "invoice_type"])
      .where("order_id", "in", orderIds)
      .execute();
    expect(marks).toEqual(Array(2).fill({ invoice_status: 1, is_invoiced: 1, invoice_type: 3 }));
    expect(told.map(({ event }) => event)).toEqual(
      [orderIds[0], orderIds[2]].map((orderId) => ({
        type: "invoice-printed",
        ...contextOf(orderId, expect.stringMatching(`^${orderId}-invoice-[0-9a-f]{40}$`)),
        sendEmail: true,
      })),
    );
    const rows = (await Promise.all(orderIds.map((id) => rowsOf(db, "oms_db.oms_outbox", id)))).flat();
    expect(told.map(({ row }) => [row.id, row.messageId])).toEqual(rows.map(({ id, message_id }) => [id, message_id]));
    const ledger = (await Promise.all(orderIds.map((id) => rowsOf(db, "oms_db.oms_action_ledger", id)))).flat();
    expect(ledger.map(({ message_id, outbox_id }) => [message_id, outbox_id])).toEqual(
      rows.map(({ id, message_id }) => [message_id, id]),
    );
  });

  test("the same again is the same event for the Actions; another content, or mailing for the first time, is another one", async () => {
    const orderId = await insertOrder(db);
    await db.insertInto("oms_db.oms_order_invoice").values({ order_id: orderId }).execute();
    const mark = { ...nothing, invoiceTitle: "one", orderIds: [orderId], cause: CAUSE };
    for (const again of [mark, mark, { ...mark, sendEmail: true }, { ...mark, invoiceTitle: "two" }, mark]) {
      expect(await markInvoicesPrinted(deps, again)).toEqual({ updatedCount: 1, missingOrderIds: [] });
    }
    const ids = told.map(({ event }) => event.messageId);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[4]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
    const ledger = await rowsOf(db, "oms_db.oms_action_ledger", orderId);
    expect(ledger.map(({ message_id }) => message_id)).toEqual([ids[0], ids[2], ids[3]]);
    expect(ledger[0]?.outbox_id).toBe(told[0]?.row.id);
  });
});

describe("updateDelivery", () => {
  test("writes what differs, the first time and later, and tells others when something does", async () => {
    const orderId = await insertOrder(db);
    const first = { orderId, deliveryId: "642", deliveryCompany: "中通快递", waybillNo: "7317", cause: CAUSE };
    expect(await updateDelivery(deps, first)).toEqual({ orderSource: 1000, orderType: 1, changed: true });
    expect(await updateDelivery(deps, first)).toEqual({ orderSource: 1000, orderType: 1, changed: false });
    expect(await updateDelivery(deps, { ...first, waybillNo: "9999" })).toMatchObject({ changed: true });
    expect(
      await db.selectFrom("oms_db.oms_order_delivery_main").selectAll().where("order_id", "=", orderId).execute(),
    ).toEqual([{ order_id: orderId, delivery_id: "642", delivery_company: "中通快递", waybill_no: "9999" }]);
    const { cause: _, ...delivery } = first;
    const context = contextOf(orderId, expect.stringMatching(`^${orderId}-delivery-${UUID}$`));
    expect(told.map(({ event }) => event)).toEqual([
      { type: "delivery-changed", ...context, ...delivery },
      { type: "delivery-changed", ...context, ...delivery, waybillNo: "9999" },
    ]);
    expect(await updateDelivery(deps, { ...first, orderId: 4n })).toBeUndefined();
  });
});

describe("recordShipped", () => {
  const lines = [
    { skuId: 11n, quantity: 3 },
    { skuId: 9_007_199_254_740_993n, quantity: 0 },
  ];

  test("takes the place of what was reported before, SKU by SKU", async () => {
    const orderId = await insertOrder(db);
    const shipped = { orderId, requestId: "", cause: CAUSE };
    expect(await recordShipped(deps, { ...shipped, lines })).toEqual({ recordedCount: 2 });
    const later = [
      { skuId: 11n, quantity: 1 },
      { skuId: 12n, quantity: 7 },
    ];
    expect(await recordShipped(deps, { ...shipped, lines: later })).toEqual({ recordedCount: 2 });
    expect(await readShippedLines(db, orderId)).toEqual([...later, lines[1]]);
    const context = contextOf(orderId, expect.stringMatching(`^${orderId}-shipped-${UUID}$`));
    expect(told.map(({ event }) => event)).toEqual(
      [lines, later].map((reported) => ({ type: "quantities-shipped", ...context, lines: reported })),
    );
  });

  test("with a request id takes effect once, also when it comes several times at once", async () => {
    const orderId = await insertOrder(db);
    const shipped = { orderId, requestId: "r-shipped", cause: CAUSE, lines };
    const answers = await Promise.all(Array.from({ length: 6 }, () => recordShipped(deps, shipped)));
    expect(answers).toEqual(Array(6).fill({ recordedCount: 2 }));
    expect(told).toHaveLength(1);
    expect(await recordShipped(deps, { ...shipped, lines: lines.slice(1) })).toBe("request-id-reused");
    expect(await recordShipped(deps, { ...shipped, orderId: 4n })).toBe("request-id-reused");
    expect(await readShippedLines(db, orderId)).toEqual(lines);
  });

  test("with one request id for two orders at once is taken for one of them", async () => {
    const orderIds = await Promise.all(Array.from({ length: 6 }, () => insertOrder(db)));
    const answers = await Promise.all(
      orderIds.map((orderId) => recordShipped(deps, { orderId, requestId: "r-shipped-two", cause: CAUSE, lines })),
    );
    expect(answers.filter((answer) => answer === "request-id-reused")).toHaveLength(5);
    expect(told).toHaveLength(1);
  });

  test("of an order that is not there leaves nothing", async () => {
    expect(await recordShipped(deps, { orderId: 4n, requestId: "r-nobody", cause: CAUSE, lines })).toBeUndefined();
    expect(await rowsOf(db, "oms_db.oms_request", 4n)).toEqual([]);
    expect(await readShippedLines(db, 4n)).toEqual([]);
  });
});
