import { expect, test } from "vitest";
import { giftMarker, insertSettlement, markGift, settlementWriter } from "../../../src/store/orders/action-effects.ts";
import { useStore } from "./fixture.ts";

const { db } = useStore();

test("a settlement is queued once per message id", async () => {
  const settlement = {
    messageId: "7-3",
    orderId: 7n,
    orderStatus: 6010,
    lines: [{ skuId: 9_007_199_254_740_993n, quantity: 2 }],
  };
  const answers = await Promise.all(Array.from({ length: 5 }, () => insertSettlement(db, settlement)));
  expect(answers.toSorted()).toEqual([false, false, false, false, true]);
  expect(await insertSettlement(db, { ...settlement, messageId: "7-4", orderStatus: 6030, lines: [] })).toBe(true);
  const rows = await db.selectFrom("oms_db.oms_order_status_rule").selectAll().orderBy("message_id").execute();
  expect(rows).toMatchObject([
    {
      order_id: 7n,
      order_status: 6010,
      message_id: "7-3",
      settlement_lines: '[{"skuId":"9007199254740993","quantity":2}]',
      create_date: expect.any(Date),
    },
    { order_id: 7n, order_status: 6030, message_id: "7-4", settlement_lines: "[]" },
  ]);
});

test("all gift records of an order are marked, and no others", async () => {
  await db
    .insertInto("wmsindb.oms_gift_cust_record")
    .values([{ order_id: 7n }, { order_id: 7n }, { order_id: 8n }])
    .execute();
  await markGift(db, 7n);
  await markGift(db, 7n);
  await markGift(db, 9n);
  const rows = await db.selectFrom("wmsindb.oms_gift_cust_record").selectAll().orderBy("order_id").execute();
  expect(rows).toMatchObject([
    { order_id: 7n, gift_status: 1, update_date: expect.any(Date) },
    { order_id: 7n, gift_status: 1, update_date: expect.any(Date) },
    { order_id: 8n, gift_status: 0, update_date: null },
  ]);
});

test("concurrent effects are written together, each once", async () => {
  const insert = settlementWriter(db);
  const mark = giftMarker(db);
  const settlement = (messageId: string) => ({ messageId, orderId: 70n, orderStatus: 6010, lines: [] });
  const ids = ["70-1", "70-2", "70-3", "70-1"];
  await Promise.all(ids.map((id) => insert(settlement(id))));
  const rows = await db
    .selectFrom("oms_db.oms_order_status_rule")
    .select("message_id")
    .where("order_id", "=", 70n)
    .orderBy("message_id")
    .execute();
  expect(rows.map(({ message_id }) => message_id)).toEqual(["70-1", "70-2", "70-3"]);

  await db
    .insertInto("wmsindb.oms_gift_cust_record")
    .values([71n, 72n, 73n].map((order_id) => ({ order_id })))
    .execute();
  await Promise.all([mark(71n), mark(73n)]);
  const gifts = await db
    .selectFrom("wmsindb.oms_gift_cust_record")
    .select(["order_id", "gift_status"])
    .where("order_id", ">", 70n)
    .orderBy("order_id")
    .execute();
  expect(gifts.map(({ gift_status }) => gift_status)).toEqual([1, 0, 1]);
});
