import { beforeEach, describe, expect, test } from "vitest";
import {
  markInvoicesPrinted,
  type RecordShippedQuantitiesInput,
  recordShippedQuantities,
  returnOrder,
  updateDeliveryInfo,
} from "../../../src/application/orders/records.ts";
import { Status } from "../../../src/domain/state-machine.ts";
import { readInvoice, readShippedLines } from "../../../src/store/reads/goods.ts";
import { CAUSE, CONTEXT, insertOrder, rowsOf, useOperations, useStore } from "../store/fixture.ts";

const { db } = useStore();
const { operations, published } = useOperations(db);
beforeEach(() => {
  published.length = 0;
});

const UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/** The common part of every event. */
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

describe("returnOrder", () => {
  test("sets the mark once and publishes one event", async () => {
    const orderId = await insertOrder(db, { status: Status.DELIVERED });
    expect(await returnOrder(operations, { orderId, operator: "li" }, CONTEXT)).toMatchObject({ verdict: "MARKED" });
    expect(await returnOrder(operations, { orderId, operator: "li" }, CONTEXT)).toMatchObject({ verdict: "MARKED" });
    expect(published.map(({ event }) => event)).toEqual([
      { type: "return-marked", ...contextOf(orderId, expect.stringMatching(`^${orderId}-return-${UUID}$`)) },
    ]);
    expect(await rowsOf(db, "oms_db.oms_order_main", orderId)).toMatchObject([
      { is_refund: 1, update_date: published[0]?.event.recordTime },
    ]);
    const messageId = published[0]?.event.messageId;
    expect(await rowsOf(db, "oms_db.oms_outbox", orderId)).toMatchObject([
      { id: published[0]?.row.id, message_id: messageId, body: Buffer.from(messageId ?? ""), published: 0 },
    ]);
    expect(await rowsOf(db, "oms_db.oms_action_ledger", orderId)).toMatchObject([
      { message_id: messageId, action: "first-action", outbox_id: published[0]?.row.id, state: "PENDING" },
    ]);
  });

  test("sets no mark before the hand-over or on a cancelled order; an unknown order is not found", async () => {
    const packed = await insertOrder(db, { status: Status.PACKED });
    const cancelled = await insertOrder(db, { status: Status.CANCELLED });
    const returned = (orderId: bigint) => returnOrder(operations, { orderId, operator: "li" }, CONTEXT);
    expect(await returned(packed)).toMatchObject({ verdict: "NOT_HANDED_OVER" });
    expect(await returned(cancelled)).toMatchObject({ verdict: "CANCELLED" });
    await expect(returned(4n)).rejects.toMatchObject({ kind: "not-found" });
    expect(published).toEqual([]);
    expect(await rowsOf(db, "oms_db.oms_order_main", packed)).toMatchObject([{ is_refund: null }]);
  });

  test("concurrent calls set one mark and publish one event", async () => {
    const orderId = await insertOrder(db, { status: Status.HANDED_OVER });
    await Promise.all(Array.from({ length: 8 }, () => returnOrder(operations, { orderId, operator: "li" }, CONTEXT)));
    expect(published).toHaveLength(1);
  });
});

describe("markInvoicesPrinted", () => {
  const empty = { title: "", content: "", taxPayerCode: "", email: "" };

  test("marks each invoice, keeps the fields that are not given, and publishes an event for each", async () => {
    const orderIds = [await insertOrder(db), await insertOrder(db), await insertOrder(db)] as const;
    await db
      .insertInto("oms_db.oms_order_invoice")
      .values([
        { order_id: orderIds[0], invoice_title: "first", invoice_email: "a@example.com" },
        { order_id: orderIds[2] },
      ])
      .execute();
    const input = {
      orderIds: [orderIds[2], 4n, orderIds[1], orderIds[0], orderIds[0]],
      invoice: { ...empty, content: "商品明细", taxPayerCode: "91310" },
      sendEmail: true,
    };
    expect(await markInvoicesPrinted(operations, input, CONTEXT)).toEqual({
      updatedCount: 2,
      missingOrderIds: [4n, orderIds[1]],
    });
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
    expect(published.map(({ event }) => event)).toEqual(
      [orderIds[0], orderIds[2]].map((orderId) => ({
        type: "invoice-printed",
        ...contextOf(orderId, expect.stringMatching(`^${orderId}-invoice-[0-9a-f]{40}$`)),
        operator: "",
        sendEmail: true,
      })),
    );
    const rows = (await Promise.all(orderIds.map((id) => rowsOf(db, "oms_db.oms_outbox", id)))).flat();
    expect(published.map(({ row }) => [row.id, row.messageId])).toEqual(
      rows.map(({ id, message_id }) => [id, message_id]),
    );
    const ledger = (await Promise.all(orderIds.map((id) => rowsOf(db, "oms_db.oms_action_ledger", id)))).flat();
    expect(ledger.map(({ message_id, outbox_id }) => [message_id, outbox_id])).toEqual(
      rows.map(({ id, message_id }) => [message_id, id]),
    );
  });

  test("a repeat is the same event for the Actions; another content or a first mailing is another event", async () => {
    const orderId = await insertOrder(db);
    await db.insertInto("oms_db.oms_order_invoice").values({ order_id: orderId }).execute();
    const input = { orderIds: [orderId], invoice: { ...empty, title: "one" }, sendEmail: false };
    const retitled = { ...input, invoice: { ...empty, title: "two" } };
    for (const again of [input, input, { ...input, sendEmail: true }, retitled, input]) {
      expect(await markInvoicesPrinted(operations, again, CONTEXT)).toEqual({ updatedCount: 1, missingOrderIds: [] });
    }
    const ids = published.map(({ event }) => event.messageId);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[4]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(3);
    const ledger = await rowsOf(db, "oms_db.oms_action_ledger", orderId);
    expect(ledger.map(({ message_id }) => message_id)).toEqual([ids[0], ids[2], ids[3]]);
    expect(ledger[0]?.outbox_id).toBe(published[0]?.row.id);
  });
});

describe("updateDeliveryInfo", () => {
  test("inserts and updates, and publishes an event when something differs", async () => {
    const orderId = await insertOrder(db);
    const delivery = { orderId, deliveryId: "642", deliveryCompany: "中通快递", waybillNo: "7317" };
    const update = (more: Partial<typeof delivery> = {}) =>
      updateDeliveryInfo(operations, { ...delivery, operator: "li", ...more }, CONTEXT);
    expect(await update()).toEqual({ changed: true, thirdPartyNotified: false });
    expect(await update()).toEqual({ changed: false, thirdPartyNotified: false });
    expect(await update({ waybillNo: "9999" })).toMatchObject({ changed: true });
    expect(
      await db.selectFrom("oms_db.oms_order_delivery_main").selectAll().where("order_id", "=", orderId).execute(),
    ).toEqual([{ order_id: orderId, delivery_id: "642", delivery_company: "中通快递", waybill_no: "9999" }]);
    const context = contextOf(orderId, expect.stringMatching(`^${orderId}-delivery-${UUID}$`));
    expect(published.map(({ event }) => event)).toEqual([
      { type: "delivery-changed", ...context, ...delivery },
      { type: "delivery-changed", ...context, ...delivery, waybillNo: "9999" },
    ]);
    await expect(update({ orderId: 4n })).rejects.toMatchObject({ kind: "not-found" });
  });

  test("notifies the marketplace of a third-party order", async () => {
    const orderId = await insertOrder(db, { orderSource: 2001 });
    const input = { orderId, deliveryId: "1", deliveryCompany: "a", waybillNo: "2", operator: "li" };
    expect(await updateDeliveryInfo(operations, input, CONTEXT)).toEqual({ changed: true, thirdPartyNotified: true });
    expect(await updateDeliveryInfo(operations, input, CONTEXT)).toEqual({ changed: false, thirdPartyNotified: false });
  });
});

describe("recordShippedQuantities", () => {
  const record = (input: Omit<RecordShippedQuantitiesInput, "operator">) =>
    recordShippedQuantities(operations, { ...input, operator: "li" }, CONTEXT);
  const lines = [
    { skuId: 11n, quantity: 3 },
    { skuId: 9_007_199_254_740_993n, quantity: 0 },
  ];

  test("replaces the earlier quantities, SKU by SKU", async () => {
    const orderId = await insertOrder(db);
    const shipped = { orderId, requestId: "" };
    expect(await record({ ...shipped, lines })).toEqual({ recordedCount: 2 });
    const later = [
      { skuId: 11n, quantity: 1 },
      { skuId: 12n, quantity: 7 },
    ];
    expect(await record({ ...shipped, lines: later })).toEqual({ recordedCount: 2 });
    expect(await readShippedLines(db, orderId)).toEqual([...later, lines[1]]);
    const context = contextOf(orderId, expect.stringMatching(`^${orderId}-shipped-${UUID}$`));
    expect(published.map(({ event }) => event)).toEqual(
      [lines, later].map((reported) => ({ type: "quantities-shipped", ...context, lines: reported })),
    );
  });

  test("with a request id takes effect once, also for concurrent repeats", async () => {
    const orderId = await insertOrder(db);
    const shipped = { orderId, requestId: "r-shipped", lines };
    const answers = await Promise.all(Array.from({ length: 6 }, () => record(shipped)));
    expect(answers).toEqual(Array(6).fill({ recordedCount: 2 }));
    expect(published).toHaveLength(1);
    const reused = { kind: "request-id-reused" };
    await expect(record({ ...shipped, lines: lines.slice(1) })).rejects.toMatchObject(reused);
    await expect(record({ ...shipped, orderId: 4n })).rejects.toMatchObject(reused);
    expect(await readShippedLines(db, orderId)).toEqual(lines);
  });

  test("with one request id for several orders at once takes effect for one of them", async () => {
    const orderIds = await Promise.all(Array.from({ length: 6 }, () => insertOrder(db)));
    const answers = await Promise.allSettled(
      orderIds.map((orderId) => record({ orderId, requestId: "r-shipped-two", lines })),
    );
    const errors = answers.flatMap((answer) => (answer.status === "rejected" ? answer.reason.kind : []));
    expect(errors).toEqual(Array(5).fill("request-id-reused"));
    expect(published).toHaveLength(1);
  });

  test("of an unknown order stores nothing", async () => {
    const unknown = record({ orderId: 4n, requestId: "r-unknown", lines });
    await expect(unknown).rejects.toMatchObject({ kind: "not-found" });
    expect(await rowsOf(db, "oms_db.oms_request", 4n)).toEqual([]);
    expect(await readShippedLines(db, 4n)).toEqual([]);
  });
});
